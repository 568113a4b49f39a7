"""The Matcher as a whole: bundles from Central's endpoint, reports over mTLS gRPC."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio
import zstandard
from google.protobuf.empty_pb2 import Empty

from pyrox.errors import Unavailable
from pyrox.mtls.identity import CENTRAL, SCANNER_V4_MATCHER, Subject
from pyrox.pb.internalapi.scanner.v4 import matcher_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherStub
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.pg.locks import advisory
from pyrox.pg.settings import Settings
from services.scanner_matcher.app import App
from tests.support import definitions, pg, scanner
from tests.support.definitions import Definitions, archive, debian, enrichment, lines, nvd, osv
from tests.support.pki import SENSOR, Pki

if TYPE_CHECKING:
    from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherAsyncStub

pytestmark = [pytest.mark.needs("postgres"), pytest.mark.asyncio(loop_scope="module")]

HASH = "/v4/containerimage/sha256:" + "a" * 64
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"
DEBIAN = [
    debian("CVE-2099-0001", "openssl", "3.0.15-1~deb12u1"),
    debian("CVE-2099-0002", "glibc", severity="Negligible"),
    debian("CVE-2099-0003", "openssl", "3.0.11-1~deb12u1"),
    debian("CVE-2099-0004", "bash", "0"),
]
OSV = [
    osv("GHSA-test-0001 CVE-2018-18074", "pypi", "requests", "fixed=2.20.0", VECTOR),
    osv("GHSA-test-0002", "pypi", "requests", "introduced=2.19.1&fixed=2.19.2"),
]


def contents() -> Contents:
    """The image of the recorded reports: two Debian packages and one of Python."""
    made = Contents()
    for key, name, version, source in (
        ("8", "libc6", "2.36-9", "glibc"),
        ("10", "openssl", "3.0.11-1~deb12u1", "openssl"),
        ("6", "bash", "5.2.15-2", "bash"),
    ):
        package = made.packages[key]
        package.id, package.name, package.version, package.kind, package.arch = (
            key,
            name,
            version,
            "binary",
            "amd64",
        )
        package.source.id, package.source.name, package.source.version = f"s{key}", source, version
        package.source.kind = "source"
        package.package_db = "var/lib/dpkg/status"
        environment = made.environments[key].environments.add()
        environment.package_db, environment.distribution_id = "var/lib/dpkg/status", "1"
    requests = made.packages["4"]
    requests.id, requests.name, requests.version, requests.kind = "4", "requests", "2.19.0", "binary"
    place = made.environments["4"].environments.add()
    place.package_db = "python:usr/lib/python3/dist-packages"
    place.repository_ids.append("2")
    made.repositories["2"].id, made.repositories["2"].name = "2", "pypi"
    system = made.distributions["1"]
    system.id, system.did, system.version_id = "1", "debian", "12"
    return made


def found(report: VulnerabilityReport) -> dict[str, list[str]]:
    """Package name to the names of its vulnerabilities, in order."""
    return {
        report.contents.packages[key].name: [report.vulnerabilities[v].name for v in values.values]
        for key, values in report.package_vulnerabilities.items()
    }


async def refused(call: object) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]
    return caught.value.code(), caught.value.details() or ""


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@contextmanager
def central_with_bundles(pki: Pki) -> Iterator[Definitions]:
    """Central's endpoint: real TLS with Central's certificate, a client certificate is demanded."""
    files = pki.files(CENTRAL)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.ca_file))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(files.cert, files.key)
    have = Definitions(archive({"debian": lines(DEBIAN), "osv": lines(OSV)}))
    with definitions.serving(have, context) as running:
        yield running


def fed_by(have: Definitions) -> dict[str, str]:
    """The settings that make a Matcher ask Central."""
    return {"SCANNER_V4_STACKROX_SERVICES": "true", "SCANNER_V4_MATCHER_VULNERABILITIES_URL": have.url}


@pytest.fixture
def central_definitions(pki: Pki) -> Iterator[Definitions]:
    """A Central of the test's own, which it may change."""
    with central_with_bundles(pki) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def matcher(pg_server: pg.TestServer, pki: Pki, central_definitions: Definitions) -> AsyncIterator[App]:
    """A Matcher of the test's own on a fresh database, loaded once."""
    async with scanner.matcher(pg_server.database(), pki, **fed_by(central_definitions)) as running:
        await scanner.loaded(running)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def loaded_matcher(database: Settings, pki: Pki) -> AsyncIterator[App]:
    """One Matcher for the tests that only ask."""
    with central_with_bundles(pki) as have:
        async with scanner.matcher(database, pki, **fed_by(have)) as running:
            await scanner.loaded(running)
            yield running


@asynccontextmanager
async def stub(matcher: App, pki: Pki, client: Subject = CENTRAL) -> AsyncIterator[MatcherAsyncStub]:
    async with scanner.channel(matcher.front.addresses[0], pki, client, SCANNER_V4_MATCHER) as channel:
        yield MatcherStub(channel)


async def report_of(matcher: App, pki: Pki) -> VulnerabilityReport:
    async with stub(matcher, pki) as client:
        return await client.GetVulnerabilities(
            pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=contents())
        )


async def test_report_holds_what_the_bundles_say(
    matcher: App, pki: Pki, central_definitions: Definitions
) -> None:
    async with stub(matcher, pki) as client:
        call = client.GetVulnerabilities(pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=contents()))
        report = await call
        assert dict(await call.initial_metadata())["x-scanner-version"] == "4.11.0"
        metadata = await client.GetMetadata(Empty())
    assert metadata.LastVulnerabilityUpdate.ToDatetime(UTC) == central_definitions.modified
    assert found(report) == {
        "openssl": ["CVE-2099-0001"],
        "libc6": ["CVE-2099-0002"],
        "requests": ["CVE-2018-18074"],
    }
    by_name = {v.name: v for v in report.vulnerabilities.values()}
    assert by_name["CVE-2018-18074"].cvss_metrics[0].v3.base_score == 7.5
    assert by_name["CVE-2099-0001"].fixed_in_version == "3.0.15-1~deb12u1"
    assert by_name["CVE-2099-0001"].issued.seconds == 1767225600
    assert by_name["CVE-2099-0002"].normalized_severity == by_name["CVE-2099-0002"].SEVERITY_LOW
    fixes = {p.name: p.fixed_in_version for p in report.contents.packages.values()}
    assert fixes == {"openssl": "3.0.15-1~deb12u1", "libc6": "", "bash": "", "requests": "2.20.0"}
    assert list(report.notes) == []
    asked = central_definitions.requests[0]
    assert asked["path"].endswith("?version=v3")
    assert asked["x-scanner-v4-accept"] == "application/vnd.stackrox.scanner-v4.multi-bundle+zip"


async def test_scan_before_the_first_load_says_so(
    matcher: App, pki: Pki, central_definitions: Definitions
) -> None:
    await matcher.pool.execute("UPDATE vuln_source SET updated = 'epoch' WHERE name = 'osv'")
    async with stub(matcher, pki) as client:
        request = pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=contents())
        code, text = await refused(client.GetVulnerabilities(request))
        assert code == grpc.StatusCode.FAILED_PRECONDITION
        assert "initial load for the vulnerability DB is in progress" in text
        assert not (await client.GetMetadata(Empty())).HasField("LastVulnerabilityUpdate")


async def test_unchanged_bundle_is_not_loaded_again(matcher: App, central_definitions: Definitions) -> None:
    done = await matcher.updates.round()
    assert (done.loaded, done.failed, done.removed) == ([], {}, [])
    assert central_definitions.answers[-1] == 304


async def test_newer_bundle_replaces_and_a_missing_one_goes(
    matcher: App, pki: Pki, central_definitions: Definitions
) -> None:
    central_definitions.modified = datetime(2026, 9, 1, tzinfo=UTC)
    newer = [debian("CVE-2099-0009", "bash", "5.3")]
    central_definitions.body = archive({"debian": lines(newer)}, central_definitions.modified)
    done = await matcher.updates.round()
    assert (done.loaded, done.removed) == (["debian"], ["osv"])
    assert found(await report_of(matcher, pki)) == {"bash": ["CVE-2099-0009"]}
    tables = await matcher.pool.fetch(
        "SELECT relname FROM pg_class WHERE relname ~ '^vuln_(range|text)_[0-9]+_[0-9]+$'"
    )
    assert len(tables) == 2


async def test_damaged_bundle_keeps_the_old_rows_and_the_others_load(
    matcher: App, pki: Pki, central_definitions: Definitions
) -> None:
    central_definitions.modified = datetime(2026, 9, 1, tzinfo=UTC)
    half = lines(DEBIAN * 2000)
    body = archive(
        {"debian": half[: len(half) // 2] + b"\xff" * 20, "osv": lines(OSV[:1])}, central_definitions.modified
    )
    central_definitions.body = body
    done = await matcher.updates.round()
    assert done.loaded == ["osv"]
    assert "bundle debian" in done.failed["debian"]
    assert found(await report_of(matcher, pki))["openssl"] == ["CVE-2099-0001"]


async def test_records_that_cannot_be_used_are_counted(
    matcher: App, pki: Pki, central_definitions: Definitions
) -> None:
    central_definitions.modified = datetime(2026, 9, 1, tzinfo=UTC)
    bad: list[dict[str, object]] = [
        {"Kind": "vulnerability"},
        {"Kind": "vulnerability", "Vuln": {"package": None}},
    ]
    raw = b"not json\n" + b"[" * 20_000 + b"\n"
    data = lines([*DEBIAN, *bad]) + zstandard.compress(raw)
    central_definitions.body = archive({"debian": data, "osv": lines(OSV)}, central_definitions.modified)
    assert "debian" in (await matcher.updates.round()).loaded
    skipped = await matcher.pool.fetchval("SELECT skipped FROM vuln_source WHERE name = 'debian'")
    assert sum(skipped.values()) == 5
    assert skipped["malformed"] == 2
    assert skipped["never affected"] == 1


async def test_old_rows_answer_while_a_reader_holds_up_the_exchange(
    matcher: App, pki: Pki, central_definitions: Definitions
) -> None:
    central_definitions.modified = datetime(2026, 9, 1, tzinfo=UTC)
    central_definitions.body = archive(
        {"debian": lines([debian("CVE-2099-0009", "bash", "5.3")]), "osv": lines(OSV)},
        central_definitions.modified,
    )
    async with matcher.store.reading() as reading:
        await reading.matched([])
        await matcher.pool.fetchval("SELECT 1")
        assert await reading.matched(()) == []
        await reading.texts([])
        round_of_updates = asyncio.create_task(matcher.updates.round())
        await asyncio.sleep(1.5)
        assert "CVE-2099-0001" in found(await report_of(matcher, pki))["openssl"]
    assert "debian" in (await round_of_updates).loaded
    assert found(await report_of(matcher, pki))["bash"] == ["CVE-2099-0009"]


async def test_source_that_another_loads_is_waited_for(
    matcher: App, pki: Pki, central_definitions: Definitions
) -> None:
    central_definitions.modified = datetime(2026, 9, 1, tzinfo=UTC)
    newer = {"debian": lines([debian("CVE-2099-0009", "bash", "5.3")]), "osv": lines(OSV)}
    central_definitions.body = archive(newer, central_definitions.modified)
    async with advisory(matcher.pool, "vuln-source-debian") as ours:
        assert ours
        waiting = asyncio.create_task(matcher.updates.round())
        await asyncio.sleep(1.0)
        assert not waiting.done()
    assert (await waiting).failed == {}
    assert found(await report_of(matcher, pki))["bash"] == ["CVE-2099-0009"]


async def test_scores_of_other_feeds_are_added(
    matcher: App, pki: Pki, central_definitions: Definitions
) -> None:
    central_definitions.modified = datetime(2026, 9, 1, tzinfo=UTC)
    epss = {
        "cve": "CVE-2099-0001",
        "epss": 0.5,
        "percentile": 0.9,
        "date": "2026-08-31",
        "modelVersion": "v4",
    }
    bundles = {
        "debian": lines(DEBIAN),
        "nvd": lines([nvd("CVE-2099-0001", "as NVD says", VECTOR, 7.5), nvd("CVE-1999-1", "", VECTOR, 7.5)]),
        "epss": lines([enrichment("clair.epss", "CVE-2099-0001", epss)]),
    }
    central_definitions.body = archive(bundles, central_definitions.modified)
    assert sorted((await matcher.updates.round()).loaded) == ["debian", "epss", "nvd"]
    found_by_name = {v.name: v for v in (await report_of(matcher, pki)).vulnerabilities.values()}
    scored = found_by_name["CVE-2099-0001"]
    assert (scored.cvss.v3.base_score, scored.cvss.source) == (7.5, scored.CVSS.SOURCE_NVD)
    assert scored.description == "about CVE-2099-0001"
    assert (scored.epss_metrics.date, scored.epss_metrics.model_version) == ("2026-08-31", "v4")
    assert round(scored.epss_metrics.probability, 3) == 0.5
    assert not found_by_name["CVE-2099-0002"].HasField("cvss")


async def test_unknown_system_is_noted(loaded_matcher: App, pki: Pki) -> None:
    image = contents()
    image.distributions["1"].version_id = "99"
    async with stub(loaded_matcher, pki) as client:
        report = await client.GetVulnerabilities(pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=image))
        assert list(report.notes) == [VulnerabilityReport.NOTE_OS_UNSUPPORTED]
        image.ClearField("distributions")
        report = await client.GetVulnerabilities(pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=image))
        assert list(report.notes) == [VulnerabilityReport.NOTE_OS_UNKNOWN]


async def test_unparsable_version_never_fails_a_report(loaded_matcher: App, pki: Pki) -> None:
    image = contents()
    image.packages["10"].version = image.packages["10"].source.version = "not a version \x01 at all"
    async with stub(loaded_matcher, pki) as client:
        report = await client.GetVulnerabilities(pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=image))
    assert found(report)["requests"] == ["CVE-2018-18074"]


@pytest.mark.parametrize("broken", ["hash", "package id", "cpe", "source of source", "no contents"])
async def test_bad_request_is_refused(loaded_matcher: App, pki: Pki, broken: str) -> None:
    request = pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=contents())
    if broken == "hash":
        request.hash_id = "sha256:abc"
    elif broken == "package id":
        request.contents.packages["8"].id = ""
    elif broken == "cpe":
        request.contents.repositories["2"].cpe = "nonsense"
    elif broken == "source of source":
        request.contents.packages["8"].source.source.name = "deeper"
    else:
        request.ClearField("contents")
    async with stub(loaded_matcher, pki) as client:
        assert (await refused(client.GetVulnerabilities(request)))[0] == grpc.StatusCode.INVALID_ARGUMENT


async def test_only_central_may_call(loaded_matcher: App, pki: Pki) -> None:
    async with stub(loaded_matcher, pki, SENSOR) as client:
        assert (await refused(client.GetMetadata(Empty())))[0] == grpc.StatusCode.PERMISSION_DENIED
    async with stub(loaded_matcher, pki) as client:
        assert (await refused(client.GetSBOM(pb.GetSBOMRequest())))[0] == grpc.StatusCode.INVALID_ARGUMENT


async def test_central_that_fails_is_an_error_and_a_file_serves_as_well(
    matcher: App, pg_server: pg.TestServer, pki: Pki, central_definitions: Definitions, tmp_path: Path
) -> None:
    central_definitions.status = 503
    with pytest.raises(Unavailable, match="status 503"):
        await matcher.updates.round()
    file = tmp_path / "vulnerabilities.zip"
    file.write_bytes(central_definitions.body)
    more = {"SCANNER_V4_MATCHER_VULNERABILITIES_URL": file.as_uri()}
    async with scanner.matcher(pg_server.database(), pki, **more) as offline:
        await scanner.loaded(offline)
        assert found(await report_of(offline, pki))["requests"] == ["CVE-2018-18074"]
