"""Images from name to stored scan: a registry, a scanner, Central's database, all real at the border."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pytest

from pyrox.errors import Exhausted, Invalid, NotAuthorized, NotFound, RoxError, Unavailable
from pyrox.pb.api.v1 import image_service_pb2, search_service_pb2
from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment, ListDeployment
from pyrox.pb.storage.image_integration_pb2 import ImageIntegration, ImageIntegrationCategory
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pg.locks import advisory
from pyrox.pg.pool import Pool
from pyrox.registry.client import RegistryClient
from pyrox.rpc.call import Call, Identity
from pyrox.rpc.scope import EVERYTHING, FullGrants, NoGrants
from pyrox.workload.images import parse_image
from services.central.db import tables
from services.central.db.store import ListedStore, ListForm
from services.central.deployments.digest import digest
from services.central.images import enrich
from services.central.images.enrich import Enricher, TooManyScans, Wanted
from services.central.images.reprocess import LOCK, Reprocessor
from services.central.images.scanner import ScannerV4
from services.central.images.service import ImageService
from services.central.images.store import ImageStore
from tests.support.fake_registry import FakeRegistry, layer_of, running
from tests.support.fake_scanner import FakeScanner
from tests.support.pki import FixedClock, Pki
from tests.support.waiting import until

pytestmark = pytest.mark.needs("postgres")
Get = image_service_pb2.GetImageRequest
RawQuery = search_service_pb2.RawQuery
ADMIN = Call(method="/test", identity=Identity(uid="admin", grants=FullGrants()))
NOBODY = Call(method="/test", identity=Identity(uid="nobody", grants=NoGrants()))
Internal = image_service_pb2.ScanImageInternalRequest
FRESH = timedelta(hours=4)
CREDENTIALS = ("puller", "right")


@dataclass
class Sensors:
    """What Sensors were told."""

    told: list[str] = field(default_factory=list)

    async def images_forgotten(self, images: Iterable[Image]) -> None:
        self.told += [f"forget {image.id[:9]}" for image in images]

    async def image_updated(self, image: Image, cluster_ids: Collection[str]) -> None:
        where = f" in {' '.join(cluster_ids)}" if cluster_ids else ""
        self.told.append(f"updated {image.name.full_name.partition('/')[2]}{where}")

    async def reprocess_all(self) -> None:
        self.told.append("reprocess")


@dataclass
class Site:
    """Central's image domain over a registry and a scanner."""

    registry: FakeRegistry
    scanner: FakeScanner
    client: ScannerV4
    pool: Pool
    clock: FixedClock
    integrations: list[ImageIntegration] = field(default_factory=list)
    sensors: Sensors = field(default_factory=Sensors)

    def __post_init__(self) -> None:
        self.store = ImageStore(pool=self.pool, clock=self.clock)
        self.enricher = self.with_scanner(self.client)
        self.service = self.serving(self.enricher, self.client)

    def with_scanner(self, scanner: ScannerV4 | None) -> Enricher:
        async def integrations() -> list[ImageIntegration]:
            return self.integrations

        return Enricher(
            store=self.store,
            integrations=integrations,
            client=partial(RegistryClient, clock=self.clock),
            scanner=scanner,
            clock=self.clock,
            fresh_for=FRESH,
        )

    def serving(self, enricher: Enricher, scanner: ScannerV4 | None) -> ImageService:
        return ImageService(store=self.store, enricher=enricher, scanner=scanner, sensors=self.sensors)

    @property
    def reprocessor(self) -> Reprocessor:
        return Reprocessor(
            store=self.store,
            enricher=self.enricher,
            sensors=self.sensors,
            pool=self.pool,
            clock=self.clock,
            interval=FRESH,
        )

    def wanted(self, name: str = "team/app:1", digest: str = "") -> ContainerImage:
        made = parse_image(f"{self.registry.host}/{name}")
        made.id = digest
        return made

    def finds(self, *cves: str) -> None:
        """What the scanner will find from now on."""
        report = self.scanner.report
        report.Clear()
        report.contents.packages["1"].name = "openssl"
        for cve in cves:
            report.vulnerabilities[cve].name = cve
            report.package_vulnerabilities["1"].values.append(cve)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running(FakeRegistry(auth="basic")) as fake:
        yield fake


def docker(registry: FakeRegistry, name: str = "lab", password: str = CREDENTIALS[1]) -> ImageIntegration:
    made = ImageIntegration(
        id=f"id-{name}", name=name, type="docker", categories=[ImageIntegrationCategory.REGISTRY]
    )
    made.docker.endpoint, made.docker.username, made.docker.password = registry.base, CREDENTIALS[0], password
    return made


@pytest.fixture
async def site(central_pool: Pool, pki: Pki, registry: FakeRegistry) -> AsyncIterator[Site]:
    await central_pool.execute("TRUNCATE images, images_v2, image_component_v2, image_cves_v2 CASCADE")
    scanner, clock = FakeScanner(pki), FixedClock()
    registry.push("team/app", "1", [layer_of({"a": b"1"})])
    async with scanner.running(clock) as client:
        made = Site(registry, scanner, client, central_pool, clock, [docker(registry)])
        made.finds("CVE-2024-1")
        yield made


def cves(image: Image) -> list[str]:
    return [vuln.cve for component in image.scan.components for vuln in component.vulns]


async def stored(site: Site) -> list[Image]:
    return await site.store.find("", scope=EVERYTHING)


async def test_image_is_fetched_scanned_and_stored(site: Site) -> None:
    image = await site.enricher.image(site.wanted())
    assert image.id.startswith("sha256:")
    assert cves(image) == ["CVE-2024-1"]
    assert image.metadata.data_source.name == "lab"
    assert (image.scan.data_source.name, image.scan.scan_time.ToDatetime()) == (
        "Scanner V4",
        site.clock.moment.replace(tzinfo=None),
    )
    assert image.scan.scanner_version == "indexer=4.11.0&matcher=4.11.0"
    assert list(image.notes) == [Image.MISSING_SIGNATURE, Image.MISSING_SIGNATURE_VERIFICATION_DATA]
    assert await stored(site) == [image]
    (asked,) = site.scanner.indexed
    locator = asked.container_image
    assert asked.hash_id == f"/v4/containerimage/{image.id}"
    assert locator.url == f"{site.registry.base}/team/app@{image.id}"
    assert (locator.username, locator.password) == CREDENTIALS
    rows = await site.pool.fetchval("SELECT count(*) FROM image_cves_v2")
    assert (rows, await site.pool.fetchval("SELECT count(*) FROM image_component_v2")) == (1, 1)


async def test_scanner_without_version_header_is_v4(site: Site) -> None:
    site.scanner.version = ""
    assert (await site.enricher.image(site.wanted())).scan.scanner_version == "indexer=v4&matcher=v4"


async def test_fresh_scan_is_given_again_until_it_is_old(site: Site) -> None:
    await site.enricher.image(site.wanted())
    await site.enricher.image(site.wanted())
    assert len(site.scanner.indexed) == 1
    await site.enricher.image(site.wanted(), Wanted(force=True))
    assert len(site.scanner.indexed) == 2
    site.clock.moment += FRESH
    await site.enricher.image(site.wanted())
    assert len(site.scanner.indexed) == 3


async def test_cached_only_reaches_for_nothing(site: Site) -> None:
    image = await site.enricher.image(site.wanted(), Wanted(cached_only=True))
    assert (image.id, Image.MISSING_SCAN_DATA in image.notes) == ("", True)
    assert (site.registry.requests, site.scanner.indexed, await stored(site)) == ([], [], [])


async def test_same_image_asked_for_at_once_is_scanned_once(site: Site) -> None:
    site.scanner.go_on.clear()
    asking = [asyncio.create_task(site.enricher.image(site.wanted())) for _ in range(20)]
    await until(lambda: site.scanner.at_once)
    asking[0].cancel()
    site.scanner.go_on.set()
    images = await asyncio.gather(*asking[1:])
    assert len(site.scanner.indexed) == 1
    assert {image.id for image in images} == {images[0].id}


async def test_scans_at_once_are_bounded_and_the_next_says_to_wait(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrich, "PARALLEL_SCANS", 3)
    monkeypatch.setattr(enrich, "SLOT_SECONDS", 0.1)
    enricher = site.with_scanner(site.client)
    for number in range(5):
        site.registry.push(f"team/n{number}", "1", [layer_of({"a": str(number).encode()})])
    site.scanner.go_on.clear()
    asking = [asyncio.create_task(enricher.scan_or_bare(site.wanted(f"team/n{n}:1"))) for n in range(5)]
    await until(lambda: sum(task.done() for task in asking) == 2 and site.scanner.at_once == 3)
    site.scanner.go_on.set()
    results = await asyncio.gather(*asking, return_exceptions=True)
    refused = [one for one in results if isinstance(one, BaseException)]
    assert [type(one) for one in refused] == [TooManyScans] * 2
    assert "too many parallel scans" in str(refused[0])
    assert site.scanner.most_at_once == 3
    assert cves(await enricher.image(site.wanted("team/n4:1"))) == ["CVE-2024-1"]


@pytest.mark.parametrize("fails", ["registry", "scanner"])
async def test_failed_scan_is_the_clients_error_and_the_sensors_note(site: Site, fails: str) -> None:
    wanted = site.wanted("team/other:1") if fails == "registry" else site.wanted()
    site.scanner.errors = [Invalid("no such layer")] * 2
    request = image_service_pb2.ScanImageRequest(image_name=wanted.name.full_name)
    with pytest.raises(RoxError) as refused:
        await site.service.ScanImage(request, ADMIN)
    if fails == "registry":
        assert isinstance(refused.value, NotFound)
        assert "error getting metadata for image" in refused.value.message
        assert "lab: " in refused.value.message
    else:
        assert refused.value.message == "Scanner V4 Indexer: no such layer"
    answer = await site.service.ScanImageInternal(Internal(image=wanted), ADMIN)
    assert answer.image.name == wanted.name
    assert {Image.MISSING_METADATA, Image.MISSING_SCAN_DATA} <= set(answer.image.notes)
    assert await stored(site) == []


@pytest.mark.parametrize("secret", ["right", "wrong"])
async def test_no_credential_is_told_when_a_registry_refuses(
    site: Site, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = f"{secret}-Secr3t"
    site.integrations[:] = [docker(site.registry, password=secret)]
    with pytest.raises(NotFound) as refused:
        await site.enricher.image(site.wanted())
    await site.enricher.scan_or_bare(site.wanted())
    assert secret not in refused.value.message
    assert secret not in "".join(capsys.readouterr())


async def test_next_integration_is_tried_when_one_is_refused(site: Site) -> None:
    site.integrations.insert(0, docker(site.registry, "a-stale", password="old"))
    image = await site.enricher.image(site.wanted())
    assert image.metadata.data_source.name == "lab"


async def test_scanner_away_for_a_moment_is_asked_again(site: Site) -> None:
    site.scanner.errors = [Unavailable("starting"), Unavailable("starting")]
    assert cves(await site.enricher.image(site.wanted())) == ["CVE-2024-1"]
    assert site.clock.slept == [1.0, 2.0]


async def test_scanner_away_for_long_is_an_error_of_its_own(site: Site) -> None:
    site.scanner.errors = [Unavailable("starting")] * 9
    with pytest.raises(Unavailable, match=r"^Scanner V4 Indexer: starting$"):
        await site.enricher.image(site.wanted())
    assert site.clock.slept == [1.0, 2.0, 4.0]
    site.scanner.errors = [Exhausted("full")]
    with pytest.raises(Exhausted, match=r"^Scanner V4 Indexer: full$"):
        await site.enricher.image(site.wanted())


async def test_no_scanner_gives_metadata_and_a_note(site: Site) -> None:
    image = await site.with_scanner(None).image(site.wanted())
    assert image.HasField("metadata")
    assert Image.MISSING_SCAN_DATA in image.notes


async def test_digest_is_known_under_every_name_it_was_seen_with(site: Site) -> None:
    digest = (await site.enricher.image(site.wanted())).id
    second = await site.enricher.image(site.wanted("team/app:latest", digest))
    assert len(site.scanner.indexed) == 1
    assert second.name.tag == "latest"
    (image,) = await stored(site)
    assert sorted(name.tag for name in image.names) == ["1", "latest"]
    flat = await site.pool.fetch("SELECT name_fullname FROM images_v2 ORDER BY 1")
    assert [row[0].rpartition(":")[2] for row in flat] == ["1", "latest"]


async def test_one_digest_asked_for_at_once_by_two_names_gets_both(site: Site) -> None:
    digest = (await site.enricher.image(site.wanted())).id
    await site.store.delete(await stored(site))
    site.scanner.go_on.clear()
    wanted = [site.wanted(f"team/app:{tag}", digest) for tag in ("x", "y")]
    asking = [asyncio.create_task(site.enricher.image(one)) for one in wanted]
    await until(lambda: site.scanner.at_once)
    site.scanner.go_on.set()
    assert [image.name for image in await asyncio.gather(*asking)] == [one.name for one in wanted]
    (image,) = await stored(site)
    assert sorted(name.tag for name in image.names) == ["x", "y"]
    assert len(site.scanner.indexed) == 2


async def test_names_written_at_the_same_time_are_all_kept(site: Site) -> None:
    image = await site.enricher.image(site.wanted())

    def under(tag: str) -> Image:
        made = Image()
        made.CopyFrom(image)
        made.name.CopyFrom(site.wanted(f"team/app:{tag}").name)
        del made.names[:]
        return made

    await asyncio.gather(*(site.store.put(under(f"t{number}")) for number in range(8)))
    (found,) = await stored(site)
    assert sorted(name.tag for name in found.names) == ["1", *(f"t{number}" for number in range(8))]


async def test_newer_scan_and_known_metadata_are_not_replaced_by_less(site: Site) -> None:
    image = await site.enricher.image(site.wanted())
    poorer = enrich.bare(site.wanted(digest=image.id))
    await site.store.put(poorer)
    older = Image()
    older.CopyFrom(image)
    older.scan.ClearField("components")
    older.scan.scan_time.FromDatetime(site.clock.moment - timedelta(days=1))
    await site.store.put(older)
    (found,) = await stored(site)
    assert (cves(found), found.metadata, list(found.notes)) == (
        cves(image),
        image.metadata,
        list(image.notes),
    )


async def test_first_sight_of_a_cve_is_remembered_over_scans_and_images(site: Site) -> None:
    first = site.clock.moment
    await site.enricher.image(site.wanted())
    site.clock.moment += timedelta(days=2)
    site.finds("CVE-2024-1", "CVE-2024-2")
    again = await site.enricher.image(site.wanted(), Wanted(force=True))
    site.registry.push("team/other", "1", [layer_of({"b": b"2"})])
    other = await site.enricher.image(site.wanted("team/other:1"))

    def seen(image: Image) -> dict[str, tuple[int, int]]:
        start = int(first.timestamp())
        return {
            vuln.cve: (
                (vuln.first_system_occurrence.seconds - start) // 86400,
                (vuln.first_image_occurrence.seconds - start) // 86400,
            )
            for component in image.scan.components
            for vuln in component.vulns
        }

    assert seen(again) == {"CVE-2024-1": (0, 0), "CVE-2024-2": (2, 2)}
    assert seen(other) == {"CVE-2024-1": (0, 2), "CVE-2024-2": (2, 2)}


async def test_rescan_leaves_no_rows_of_the_scan_before(site: Site) -> None:
    site.finds("CVE-1", "CVE-2", "CVE-3")
    await site.enricher.image(site.wanted())
    site.finds("CVE-2")
    site.clock.moment += FRESH
    await site.enricher.image(site.wanted())
    rows = await site.pool.fetch("SELECT cvebaseinfo_cve FROM image_cves_v2")
    assert [row[0] for row in rows] == ["CVE-2"]


def local(image_id: str, **fields: object) -> image_service_pb2.EnrichLocalImageInternalRequest:
    made = image_service_pb2.EnrichLocalImageInternalRequest(image_id=image_id, **fields)  # type: ignore[arg-type]
    made.image_name.full_name = "registry.cluster/app:1"
    return made


DIGEST = "sha256:" + "b" * 64


@pytest.mark.parametrize(
    ("id_", "host", "name"),
    [
        ("", "", ""),
        ("nonsense", "", ""),
        ("sha256:\0", "h\0st", "h\0st/x:1"),
        ("", "no such host", "no such host/x:1"),
        ("", "[oops", "[oops/x:1"),
        ("", "x" * 70_000, "x" * 70_000),
        ("", "user:pass@127.0.0.1:1", "user:pass@127.0.0.1:1/x:1"),
        ("../../etc", "127.0.0.1:1/../", "127.0.0.1:1/..//x:1"),
    ],
)
async def test_image_that_makes_no_sense_comes_back_to_the_sensor_with_notes(
    site: Site, id_: str, host: str, name: str
) -> None:
    wanted = ContainerImage(id=id_)
    wanted.name.registry, wanted.name.remote, wanted.name.full_name = host, "x", name
    answer = await site.service.ScanImageInternal(Internal(image=wanted), ADMIN)
    assert Image.MISSING_METADATA in answer.image.notes
    assert answer.image.name == wanted.name
    assert (site.registry.requests, await stored(site)) == ([], [])


async def test_image_indexed_in_a_cluster_is_matched_and_stored(site: Site) -> None:
    request = local(DIGEST, indexer_version="5.0")
    request.v4_contents.packages["1"].name = "openssl"
    request.metadata.v1.author = "me"
    answer = await site.service.EnrichLocalImageInternal(request, ADMIN)
    assert (cves(answer.image), answer.image.is_cluster_local) == (["CVE-2024-1"], True)
    assert answer.image.scan.scanner_version == "indexer=5.0&matcher=4.11.0"
    assert site.scanner.matched[0].contents == request.v4_contents
    assert (site.registry.requests, site.scanner.indexed) == ([], [])
    failed = await site.service.EnrichLocalImageInternal(local(DIGEST, error="registry refused"), ADMIN)
    assert cves(failed.image) == ["CVE-2024-1"]
    assert [cves(image) for image in await stored(site)] == [["CVE-2024-1"]]


async def test_failed_local_scan_of_an_unknown_image_stores_nothing(site: Site) -> None:
    request = local(DIGEST, error="registry refused")
    request.metadata.v1.author = "me"
    answer = await site.service.EnrichLocalImageInternal(request, ADMIN)
    assert answer.image.metadata.v1.author == "me"
    assert Image.MISSING_SCAN_DATA in answer.image.notes
    assert await stored(site) == []


async def test_reprocessing_tells_sensors_what_changed_only(site: Site) -> None:
    site.registry.push("team/other", "1", [layer_of({"b": b"2"})])
    for name in ("team/app:1", "team/other:1"):
        image = await site.enricher.image(site.wanted(name))
    cluster = "00000000-0000-4000-8000-0000000000c1"
    workload = Deployment(id="00000000-0000-4000-8000-0000000000d1", name="web", cluster_id=cluster)
    for at in range(2):
        workload.containers.add(name=f"c{at}", image=ContainerImage(id=image.id))
    stored_ones = ListedStore(
        pool=site.pool, table=tables.DEPLOYMENTS, list_form=ListForm(ListDeployment, digest)
    )
    await stored_ones.upsert(workload)
    assert await site.reprocessor.round() == 0
    assert site.sensors.told == ["reprocess"]
    site.finds("CVE-2024-1", "CVE-2024-9")
    assert await site.reprocessor.round() == 2
    assert sorted(site.sensors.told[1:]) == [
        "reprocess",
        "updated team/app:1",
        f"updated team/other:1 in {cluster}",
    ]
    await stored_ones.delete(workload.id)


async def test_reprocessing_goes_on_when_one_image_is_gone(site: Site) -> None:
    await site.enricher.image(site.wanted())
    site.registry.push("team/other", "1", [layer_of({"b": b"2"})])
    await site.enricher.image(site.wanted("team/other:1"))
    for key in [key for key in site.registry.manifests if key[0] == "team/app"]:
        del site.registry.manifests[key]
    site.finds()
    assert await site.reprocessor.round() == 1
    assert sorted(map(cves, await stored(site))) == [[], ["CVE-2024-1"]]


async def test_reprocessing_leaves_images_alone_that_cannot_be_pulled(site: Site) -> None:
    for number in range(2):
        image = Image(id=f"sha256:{number:064d}", not_pullable=number == 0, is_cluster_local=number == 1)
        image.name.CopyFrom(site.wanted().name)
        await site.store.put(image)
    await site.reprocessor.round()
    assert site.registry.requests == []


async def test_reprocessing_is_done_by_one_replica(site: Site) -> None:
    await site.enricher.image(site.wanted())
    async with advisory(site.pool, LOCK) as mine:
        assert mine
        assert await site.reprocessor.round() == 0
    assert site.sensors.told == []


async def test_service_shows_lists_and_deletes_images(site: Site) -> None:
    image = await site.enricher.image(site.wanted())
    assert await site.service.GetImage(Get(id=image.id), ADMIN) == image
    flat_id = str(await site.pool.fetchval("SELECT id FROM images_v2"))
    assert (await site.service.GetImage(Get(id=flat_id), ADMIN)).id == image.id
    assert (await site.service.CountImages(RawQuery(query="CVE:CVE-2024-1"), ADMIN)).count == 1
    (listed,) = (await site.service.ListImages(RawQuery(), ADMIN)).images
    assert (listed.id, listed.cves, listed.components) == (image.id, 1, 1)
    for call, seen in ((ADMIN, 1), (NOBODY, 0)):
        request = image_service_pb2.ExportImageRequest()
        assert len([one async for one in site.service.ExportImages(request, call)]) == seen
        assert (await site.service.CountImages(RawQuery(), call)).count == seen
    for bad in ("", "sha256:unknown", "nonsense"):
        with pytest.raises((Invalid, NotFound)):
            await site.service.GetImage(Get(id=bad), ADMIN)
    with pytest.raises(NotFound):
        await site.service.GetImage(Get(id=image.id), NOBODY)
    delete = image_service_pb2.DeleteImagesRequest()
    with pytest.raises(Invalid, match="a scoping query is required"):
        await site.service.DeleteImages(delete, ADMIN)
    delete.query.query = "Image:127"
    answer = await site.service.DeleteImages(delete, ADMIN)
    assert (answer.num_deleted, answer.dry_run, len(await stored(site))) == (1, True, 1)
    delete.confirm = True
    assert (await site.service.DeleteImages(delete, NOBODY)).num_deleted == 0
    answer = await site.service.DeleteImages(delete, ADMIN)
    assert (answer.num_deleted, answer.dry_run, await stored(site)) == (1, False, [])
    assert site.sensors.told == ["forget sha256:" + image.id[7:9]]
    for table in ("images_v2", "image_component_v2", "image_cves_v2"):
        assert await site.pool.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608 - our own name


async def test_service_answers_what_is_asked_for_around_scans(site: Site) -> None:
    site.scanner.report.vulnerabilities["CVE-2024-1"].description = "long text"
    image = await site.enricher.image(site.wanted())
    short = await site.service.GetImage(Get(id=image.id, strip_description=True), ADMIN)
    assert [vuln.summary for vuln in short.scan.components[0].vulns] == [""]
    assert image.scan.components[0].vulns[0].summary == "long text"
    old = image_service_pb2.GetImageVulnerabilitiesInternalRequest(image_id=image.id, image_name=image.name)
    assert (await site.service.GetImageVulnerabilitiesInternal(old, ADMIN)).image == image
    internal = Internal(image=site.wanted())
    assert (await site.service.ScanImageInternalForAdmission(internal, ADMIN)).image == image
    cached = Internal(image=site.wanted("team/other:1"), cached_only=True)
    assert not (await site.service.ScanImageInternal(cached, ADMIN)).image.HasField("scan")
    assert len(site.scanner.indexed) == 1
    await site.service.InvalidateScanAndRegistryCaches(Empty(), ADMIN)
    assert site.sensors.told == ["reprocess"]
    status = image_service_pb2.UpdateLocalScanStatusInternalRequest(request_id="r")
    with pytest.raises(NotFound, match="no delegated scan with id 'r' is running"):
        await site.service.UpdateLocalScanStatusInternal(status, ADMIN)
    with pytest.raises(Invalid, match="scans by a secured cluster are not served"):
        await site.service.ScanImage(image_service_pb2.ScanImageRequest(image_name="a", cluster="c"), ADMIN)
    with pytest.raises(NotAuthorized):
        await site.service.ScanImage(image_service_pb2.ScanImageRequest(image_name="a"), NOBODY)


async def test_reprocessor_waits_its_interval_and_survives_a_failure(site: Site) -> None:
    await site.enricher.image(site.wanted())
    site.scanner.errors = [Invalid("broken")]
    running_on = asyncio.create_task(site.reprocessor.run(lambda: None))
    await until(lambda: len(site.sensors.told) >= 2)
    running_on.cancel()
    await asyncio.gather(running_on, return_exceptions=True)
    assert set(site.sensors.told) == {"reprocess"}
    assert site.clock.slept[:2] == [FRESH.total_seconds()] * 2


@pytest.mark.parametrize(
    "name", ["", "a b", "host/UPPER", "x" * 5000, "a@sha256:zz", "../../etc/passwd", "a:b:c"]
)
async def test_scan_of_a_name_that_is_none_is_refused(site: Site, name: str) -> None:
    with pytest.raises(Invalid):
        await site.service.ScanImage(image_service_pb2.ScanImageRequest(image_name=name), ADMIN)
    assert site.registry.requests == []
