"""The Indexer as a whole: images from a real HTTP registry, reports over mTLS gRPC."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest
import pytest_asyncio

from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER, SCANNER_V4_MATCHER
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from pyrox.pg.settings import Settings
from services.scanner_indexer.app import App
from services.scanner_indexer.config import Expiry
from services.scanner_indexer.fetch import Arena
from services.scanner_indexer.store import IndexStore
from tests.support import scanner
from tests.support.fake_registry import FakeRegistry, certificate, layer_of, running, tar_of
from tests.support.pki import COLLECTOR, SENSOR, Pki

if TYPE_CHECKING:
    from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerAsyncStub

pytestmark = [pytest.mark.needs("postgres"), pytest.mark.asyncio(loop_scope="module")]

OS_RELEASE = (
    b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n'
    b'VERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n'
)
STATUS = (
    b"Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.11-1~deb12u1\n\n"
    b"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: 2.36-9\n\n"
)
BASE = layer_of(
    {"etc/os-release": OS_RELEASE, "var/lib/dpkg/status": STATUS, "var/lib/dpkg/info/openssl.md5sums": b""}
)
METADATA = b"Metadata-Version: 2.1\nName: requests\nVersion: 2.19.0\n\n"
APP = layer_of(
    {
        "usr/lib/python3/dist-packages/requests-2.19.0.dist-info/METADATA": METADATA,
        "app/node_modules/lodash/package.json": json.dumps({"name": "lodash", "version": "4.17.4"}).encode(),
    }
)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running(FakeRegistry()) as fake:
        yield fake


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def indexer(database: Settings, pki: Pki) -> AsyncIterator[App]:
    async with scanner.indexer(database, pki) as running_indexer:
        yield running_indexer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def central(indexer: App, pki: Pki) -> AsyncIterator[IndexerAsyncStub]:
    async with scanner.channel(indexer.front.addresses[0], pki, CENTRAL, SCANNER_V4_INDEXER) as channel:
        yield IndexerStub(channel)


def hash_of(digest: str) -> str:
    return f"/v4/containerimage/{digest}"


def request(
    fake: FakeRegistry, digest: str, repository: str = "team/app"
) -> pb.GetOrCreateIndexReportRequest:
    made = pb.GetOrCreateIndexReportRequest(hash_id=hash_of(digest))
    made.container_image.url = f"{fake.base}/{repository}@{digest}"
    return made


async def refused(call: object) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]
    return caught.value.code(), caught.value.details() or ""


async def test_image_is_indexed_and_its_report_is_kept(
    central: IndexerAsyncStub, registry: FakeRegistry
) -> None:
    digest = registry.push("team/app", "1", [BASE, APP])
    call = central.GetOrCreateIndexReport(request(registry, digest))
    report = await call
    assert dict(await call.initial_metadata())["x-scanner-version"] == "4.11.0"
    assert (report.hash_id, report.state, report.success) == (hash_of(digest), "IndexFinished", True)
    found = {(p.name, p.version, p.source.name) for p in report.contents.packages.values()}
    assert found == {
        ("openssl", "3.0.11-1~deb12u1", "openssl"),
        ("libc6", "2.36-9", "glibc"),
        ("requests", "2.19.0", ""),
        ("lodash", "4.17.4", ""),
    }
    assert [d.version_id for d in report.contents.distributions.values()] == ["12"]
    assert len(report.contents.packagesDEPRECATED) == len(found)
    again = await central.GetIndexReport(pb.GetIndexReportRequest(hash_id=hash_of(digest)))
    assert again == report
    exists = await central.HasIndexReport(pb.HasIndexReportRequest(hash_id=hash_of(digest)))
    assert exists.exists


async def test_layer_is_fetched_once_ever(central: IndexerAsyncStub, registry: FakeRegistry) -> None:
    base = layer_of({"etc/os-release": OS_RELEASE, "only": b"this test"})
    for name in ("one", "two"):
        digest = registry.push("team/app", name, [base, layer_of({name: name.encode()})])
        await central.GetOrCreateIndexReport(request(registry, digest))
    blob = next(d for d, data in registry.blobs.items() if data == base)
    assert len(registry.asked(blob)) == 1


async def test_layer_wanted_by_several_images_at_once_is_fetched_once(
    central: IndexerAsyncStub, registry: FakeRegistry
) -> None:
    base = layer_of({"etc/os-release": OS_RELEASE, "shared": b"by all"})
    digests = [registry.push("team/app", str(n), [base, layer_of({f"own{n}": b"x"})]) for n in range(4)]
    calls = [central.GetOrCreateIndexReport(request(registry, digest)) for digest in digests]
    reports = [await call for call in calls]
    assert all(report.success for report in reports)
    blob = next(d for d, data in registry.blobs.items() if data == base)
    assert len(registry.asked(blob)) == 1


async def test_image_asked_for_by_many_at_once_is_answered_to_all(
    central: IndexerAsyncStub, registry: FakeRegistry
) -> None:
    layers = [layer_of({"etc/os-release": OS_RELEASE}), *(layer_of({f"many{n}": b"x"}) for n in range(5))]
    digest = registry.push("team/app", "many", layers)
    calls = [central.GetOrCreateIndexReport(request(registry, digest)) for _ in range(16)]
    assert [(await call).success for call in calls] == [True] * 16


async def test_known_image_is_answered_without_the_registry(
    central: IndexerAsyncStub, registry: FakeRegistry
) -> None:
    digest = registry.push("team/app", "1", [BASE])
    first = await central.GetOrCreateIndexReport(request(registry, digest))
    registry.requests.clear()
    assert await central.GetOrCreateIndexReport(request(registry, digest)) == first
    assert registry.requests == []
    created = pb.CreateIndexReportRequest(hash_id=hash_of(digest))
    created.container_image.url = f"{registry.base}/team/app@{digest}"
    assert await central.CreateIndexReport(created) == first
    assert registry.asked("/manifests/")
    assert not registry.asked("/blobs/")


async def test_wrong_password_comes_back_in_the_registrys_words(
    central: IndexerAsyncStub, registry: FakeRegistry
) -> None:
    registry.auth = "basic"
    digest = registry.push("team/secret", "1", [layer_of({"secret": b"1"})])
    asked = request(registry, digest, "team/secret")
    asked.container_image.username, asked.container_image.password = "puller", "wrong"
    code, text = await refused(central.GetOrCreateIndexReport(asked))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "401 Unauthorized: UNAUTHORIZED: authentication required" in text
    asked.container_image.password = "right"
    assert (await central.GetOrCreateIndexReport(asked)).success


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (gzip.compress(tar_of({"a": b"x" * 100_000}))[:-20], "ends in the middle"),
        (gzip.compress(tar_of({"a": b"x" * 100_000})[:50_000]), "truncated"),
        (BASE[:60] + b"\xff" * 20 + BASE[80:], "damaged"),
        (b"this is no tar at all" * 100, "malformed"),
    ],
    ids=["truncated gzip", "truncated tar", "damaged gzip", "no tar"],
)
async def test_damaged_layer_is_a_note_that_names_it(
    central: IndexerAsyncStub, registry: FakeRegistry, layer: bytes, words: str
) -> None:
    digest = registry.push("team/bad", "1", [BASE, layer])
    report = await central.GetOrCreateIndexReport(request(registry, digest, "team/bad"))
    assert (report.success, words in report.err, "layer sha256:" in report.err) == (True, True, True), (
        report.err
    )


async def test_bomb_is_given_up_and_the_indexer_lives(
    central: IndexerAsyncStub, registry: FakeRegistry
) -> None:
    # One member of zeros in a gzip of gzip streams: 6 GiB from 6 MiB.
    member = gzip.compress(bytes(64 << 20))
    bomb = member * 96
    digest = registry.push("team/bomb", "1", [bomb])
    report = await central.GetOrCreateIndexReport(request(registry, digest, "team/bomb"))
    assert (report.success, "layer sha256:" in report.err) == (True, True), report.err
    good = registry.push("team/app", "good", [BASE])
    assert (await central.GetOrCreateIndexReport(request(registry, good))).success


async def test_registry_that_lies_about_a_layer_is_a_note(
    central: IndexerAsyncStub, registry: FakeRegistry
) -> None:
    layer = layer_of({"honest": b"1"})
    digest = registry.push("team/lie", "1", [layer])
    blob = next(d for d, data in registry.blobs.items() if data == layer)
    registry.lies[blob] = layer_of({"honest": b"2"})
    report = await central.GetOrCreateIndexReport(request(registry, digest, "team/lie"))
    assert report.success
    assert f"blob team/lie@{blob}: got" in report.err


async def test_missing_image_is_not_found(central: IndexerAsyncStub, registry: FakeRegistry) -> None:
    code, text = await refused(central.GetOrCreateIndexReport(request(registry, "sha256:" + "0" * 64)))
    assert code == grpc.StatusCode.NOT_FOUND
    assert "MANIFEST_UNKNOWN" in text


@pytest.mark.parametrize(
    ("hash_id", "url"),
    [
        ("sha256:abc", "https://quay.io/app:1"),
        ("/v4/containerimage/x", ""),
        ("/v4/containerimage/x", "ftp://quay.io/app:1"),
        ("/v4/containerimage/x", "https://quay.io/app"),
    ],
)
async def test_bad_request_is_refused(central: IndexerAsyncStub, hash_id: str, url: str) -> None:
    bad = pb.CreateIndexReportRequest(hash_id=hash_id)
    bad.container_image.url = url
    assert (await refused(central.CreateIndexReport(bad)))[0] == grpc.StatusCode.INVALID_ARGUMENT
    bad.ClearField("container_image")
    assert (await refused(central.CreateIndexReport(bad)))[0] == grpc.StatusCode.INVALID_ARGUMENT


async def test_external_report_is_kept_and_not_replaced_by_an_older_one(central: IndexerAsyncStub) -> None:
    stored = pb.StoreIndexReportRequest(hash_id=hash_of("sha256:ext"), indexer_version="4.9.1")
    stored.contents.packages["1"].name = "new"
    assert (await central.StoreIndexReport(stored)).status == "SUCCESS"
    stored.indexer_version = "4.9.0"
    stored.contents.packages["1"].name = "old"
    assert (await central.StoreIndexReport(stored)).status == "NOT_MODIFIED"
    asked = pb.GetIndexReportRequest(hash_id=stored.hash_id, includeExternal=True)
    assert (await central.GetIndexReport(asked)).contents.packages["1"].name == "new"
    asked.includeExternal = False
    assert (await refused(central.GetIndexReport(asked)))[0] == grpc.StatusCode.NOT_FOUND
    stored.ClearField("contents")
    assert (await refused(central.StoreIndexReport(stored)))[0] == grpc.StatusCode.INVALID_ARGUMENT


async def test_only_the_listed_services_may_call(indexer: App, pki: Pki) -> None:
    asked = pb.GetIndexReportRequest(hash_id=hash_of("sha256:nobody"))
    for client, code in (
        (SENSOR, grpc.StatusCode.NOT_FOUND),
        (SCANNER_V4_MATCHER, grpc.StatusCode.NOT_FOUND),
        (COLLECTOR, grpc.StatusCode.PERMISSION_DENIED),
    ):
        async with scanner.channel(indexer.front.addresses[0], pki, client, SCANNER_V4_INDEXER) as channel:
            assert (await refused(IndexerStub(channel).GetIndexReport(asked)))[0] == code


async def test_report_expires_and_its_layers_with_it(
    indexer: App, central: IndexerAsyncStub, registry: FakeRegistry
) -> None:
    layer = layer_of({"expires": b"1"})
    digest = registry.push("team/app", "expires", [layer])
    await central.GetOrCreateIndexReport(request(registry, digest))
    pool = indexer.pool
    await pool.execute("UPDATE index_manifest SET expiration = now() WHERE hash_id = $1", hash_of(digest))
    missing, _ = await refused(central.GetIndexReport(pb.GetIndexReportRequest(hash_id=hash_of(digest))))
    assert missing == grpc.StatusCode.NOT_FOUND
    await pool.execute("UPDATE index_layer_finds SET indexed_at = now() - interval '2 days'")
    blob = next(d for d, data in registry.blobs.items() if data == layer)
    count = "SELECT count(*) FROM index_layer_finds WHERE digest = $1"
    assert await pool.fetchval(count, blob) > 0
    expiry = Expiry(timedelta(hours=1), timedelta(hours=1), timedelta(hours=1), 100)
    store = IndexStore(pool=pool, expiry=expiry, random=Random(1))
    await store.collect_garbage()
    assert await pool.fetchval(count, blob) == 0


def collecting(indexer: App) -> IndexStore:
    """A store of its own, to collect garbage with at once."""
    expiry = Expiry(timedelta(hours=1), timedelta(hours=1), timedelta(hours=1), 100)
    return IndexStore(pool=indexer.pool, expiry=expiry, random=Random(1))


async def test_garbage_collection_leaves_an_image_that_is_indexed_again(indexer: App) -> None:
    pool, store, hash_id = indexer.pool, collecting(indexer), hash_of("sha256:again")
    await store.set_state(hash_id, "FetchLayers")
    await store.set_layers(hash_id, ["sha256:again-layer"])
    await store.save_report(hash_id, "d", b"old", ())
    await pool.execute("UPDATE index_manifest SET expiration = now() WHERE hash_id = $1", hash_id)
    assert await store.report(hash_id, "d") is None
    await store.set_state(hash_id, "FetchLayers")
    await store.collect_garbage()
    count = "SELECT count(*) FROM index_manifest_layer WHERE hash_id = $1"
    assert await pool.fetchval(count, hash_id) == 1
    # The old report does not come back to life with its row.
    assert await store.report(hash_id, "d") is None
    await store.save_report(hash_id, "d", b"new", ())
    await store.set_state(hash_id, "IndexFinished")
    assert await store.report(hash_id, "d") == b"new"


async def test_finds_of_an_older_detector_go_a_day_after_a_newer_ones(indexer: App) -> None:
    pool, store, layer = indexer.pool, collecting(indexer), "sha256:two-versions"
    await store.set_state(hash_of("sha256:versions"), "FetchLayers")
    await store.set_layers(hash_of("sha256:versions"), [layer])
    for version in ("1", "2"):
        await store.save_finds(layer, {"dpkg": version, "rpm": "7"}, {"dpkg": b"", "rpm": b""})
    versions = "SELECT version FROM index_layer_finds WHERE digest = $1 AND detector = 'dpkg' ORDER BY 1"
    age = "UPDATE index_layer_finds SET indexed_at = now() - $2::interval WHERE digest = $1 AND version = '1'"
    await pool.execute(age, layer, timedelta(hours=23))
    await store.collect_garbage()
    assert [row["version"] for row in await pool.fetch(versions, layer)] == ["1", "2"]
    await pool.execute(age, layer, timedelta(hours=25))
    await store.collect_garbage()
    assert [row["version"] for row in await pool.fetch(versions, layer)] == ["2"]
    assert await store.known([layer], {"dpkg": "2", "rpm": "7"}) == {layer: frozenset({"dpkg", "rpm"})}


async def test_registry_with_an_additional_authority_is_trusted(
    database: Settings, pki: Pki, tmp_path: Path
) -> None:
    context, pem = certificate(tmp_path)
    (tmp_path / "cas").mkdir()
    (tmp_path / "cas" / "00-registry.crt").write_text(pem)
    with running(FakeRegistry(), context) as fake:
        asked = request(fake, fake.push("team/app", "1", [layer_of({"over": b"tls"})]))
        for more, code in (
            ({}, grpc.StatusCode.UNAVAILABLE),
            ({"ROX_ADDITIONAL_CA_DIR": str(tmp_path / "cas")}, None),
        ):
            async with (
                scanner.indexer(database, pki, **more) as other,
                scanner.channel(other.front.addresses[0], pki, CENTRAL, SCANNER_V4_INDEXER) as channel,
            ):
                if code is not None:
                    found, text = await refused(IndexerStub(channel).GetOrCreateIndexReport(asked))
                    assert (found, "ertificate" in text or "CERTIFICATE" in text) == (code, True)
                else:
                    assert (await IndexerStub(channel).GetOrCreateIndexReport(asked)).success


async def test_readiness_follows_the_database(database: Settings, pki: Pki) -> None:
    async with scanner.indexer(database, pki) as other, httpx.AsyncClient(verify=False) as client:  # noqa: S501
        host, port = other.probes.addresses[0]
        answer = await client.get(f"https://{host}:{port}/health/readiness")
        assert (answer.status_code, answer.content) == (200, b"")
        host_metrics, port_metrics = other.scraped[0].addresses[0]
        metrics = await client.get(f"http://{host_metrics}:{port_metrics}/metrics")
        assert "rox_scanner_v4_indexer_layer_bytes_total" in metrics.text
        await other.pool.close()
        answer = await client.get(f"https://{host}:{port}/health/readiness")
        assert (answer.status_code, answer.content) == (503, b"")


async def test_arena_removes_those_of_dead_processes_only(tmp_path: Path) -> None:
    arena, dead = Arena(tmp_path), tmp_path / "scanner-fetcharena-dead"
    dead.mkdir()
    (dead / ".lock").touch()
    (dead / "layer").write_bytes(b"left over")
    arena.open()
    living = [path.name for path in tmp_path.iterdir()]
    assert len(living) == 1
    other = Arena(tmp_path)
    other.open()
    assert living[0] in {path.name for path in tmp_path.iterdir()}
    arena.close()
    other.close()
    assert list(tmp_path.iterdir()) == []
