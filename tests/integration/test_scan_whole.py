"""A whole scan: registry, Indexer, Matcher, as processes that may be killed."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from pyrox.clock import SystemClock
from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER, SCANNER_V4_MATCHER
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2, matcher_service_pb2
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherStub
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.pg.pool import Pool
from tests.support import pg, scanner
from tests.support.definitions import archive, debian, lines, osv
from tests.support.fake_registry import FakeRegistry, layer_of, running
from tests.support.pki import Pki
from tests.support.scanner_process import Process, answered, up

if TYPE_CHECKING:
    from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerAsyncStub
    from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherAsyncStub

pytestmark = pytest.mark.needs("postgres")

BASE = layer_of(
    {
        "etc/os-release": b'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\n'
        b"VERSION_CODENAME=bookworm\nPRETTY_NAME=Debian\n",
        "var/lib/dpkg/status": b"Package: openssl\nStatus: install ok installed\nArchitecture: amd64\n"
        b"Version: 3.0.11-1~deb12u1\n\n",
    }
)
APP = layer_of(
    {"app/node_modules/lodash/package.json": json.dumps({"name": "lodash", "version": "4.17.4"}).encode()}
)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running(FakeRegistry()) as fake:
        yield fake


def index_request(registry: FakeRegistry, digest: str) -> indexer_service_pb2.GetOrCreateIndexReportRequest:
    request = indexer_service_pb2.GetOrCreateIndexReportRequest(hash_id=f"/v4/containerimage/{digest}")
    request.container_image.url = f"{registry.base}/team/app@{digest}"
    return request


async def test_scan_through_both_processes(
    pg_server: pg.TestServer, pki: Pki, registry: FakeRegistry, tmp_path: Path
) -> None:
    """Indexer and Matcher share one database, as upstream's do; the Matcher asks the Indexer itself."""
    settings = pg_server.database()
    bundle = tmp_path / "vulnerabilities.zip"
    bundle.write_bytes(
        archive(
            {
                "debian": lines([debian("CVE-2099-0001", "openssl", "3.0.15-1~deb12u1")]),
                "osv": lines([osv("GHSA-jf85-cpcp-j695", "npm", "lodash", "fixed=4.17.12")]),
            }
        )
    )
    indexer = Process("scanner_indexer", settings, pki, SCANNER_V4_INDEXER)
    more = {
        "SCANNER_V4_MATCHER_VULNERABILITIES_URL": bundle.as_uri(),
        "SCANNER_V4_MATCHER_INDEXER_ADDR": f"127.0.0.1:{indexer.port}",
    }
    matcher = Process("scanner_matcher", settings, pki, SCANNER_V4_MATCHER, **more)
    digest = registry.push("team/app", "1", [BASE, APP])
    async with (
        up(indexer, matcher),
        scanner.channel(("127.0.0.1", indexer.port), pki, CENTRAL, SCANNER_V4_INDEXER) as to_indexer,
        scanner.channel(("127.0.0.1", matcher.port), pki, CENTRAL, SCANNER_V4_MATCHER) as to_matcher,
    ):
        index: IndexerAsyncStub = IndexerStub(to_indexer)
        match: MatcherAsyncStub = MatcherStub(to_matcher)
        await answered(lambda: index.GetOrCreateIndexReport(index_request(registry, digest)))
        wanted = matcher_service_pb2.GetVulnerabilitiesRequest(hash_id=f"/v4/containerimage/{digest}")
        report = await answered(lambda: match.GetVulnerabilities(wanted))
        assert isinstance(report, VulnerabilityReport)
        assert {v.name: v.fixed_in_version for v in report.vulnerabilities.values()} == {
            "CVE-2099-0001": "3.0.15-1~deb12u1",
            "GHSA-jf85-cpcp-j695": "4.17.12",
        }
        wanted.hash_id = "/v4/containerimage/sha256:unknown"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await match.GetVulnerabilities(wanted)
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
        assert indexer.kill(signal.SIGTERM) == 0
        assert matcher.kill(signal.SIGTERM) == 0


async def test_matcher_killed_while_loading_comes_back_whole(
    pg_server: pg.TestServer, pki: Pki, tmp_path: Path
) -> None:
    """Whatever moment the kill hits, the source is whole afterwards, and nothing is left over."""
    settings = pg_server.database()
    bundle = tmp_path / "vulnerabilities.zip"
    count = 30_000
    records = [debian(f"CVE-2099-{n}", f"package{n}", "1.0") for n in range(count)]
    bundle.write_bytes(archive({"debian": lines(records)}))
    matcher = Process(
        "scanner_matcher",
        settings,
        pki,
        SCANNER_V4_MATCHER,
        SCANNER_V4_MATCHER_VULNERABILITIES_URL=bundle.as_uri(),
    )
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        for pause in (1.2, 1.8, 2.4, 3.0):
            matcher.start()
            await asyncio.sleep(pause)
            matcher.kill()
            exists = await pool.fetchval("SELECT to_regclass('vuln_range') IS NOT NULL")
            rows = await pool.fetchval("SELECT count(*) FROM vuln_range") if exists else 0
            assert rows in {0, count}
        async with (
            up(matcher),
            scanner.channel(("127.0.0.1", matcher.port), pki, CENTRAL, SCANNER_V4_MATCHER) as channel,
        ):
            match: MatcherAsyncStub = MatcherStub(channel)
            wanted = matcher_service_pb2.GetVulnerabilitiesRequest(hash_id="/v4/containerimage/sha256:x")
            wanted.contents.SetInParent()
            await answered(lambda: match.GetVulnerabilities(wanted))
        assert await pool.fetchval("SELECT count(*) FROM vuln_range") == count
        left = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^vuln_(range|text)_[0-9]'"
        assert await pool.fetchval(left) == 2
    finally:
        await pool.close()


async def test_indexer_killed_while_indexing_comes_back_whole(
    pg_server: pg.TestServer, pki: Pki, registry: FakeRegistry
) -> None:
    """No report is half made, and a layer whose reader died is read by the next one."""
    settings = pg_server.database()
    indexer = Process("scanner_indexer", settings, pki, SCANNER_V4_INDEXER)
    digest = registry.push("team/app", "1", [BASE, APP])
    blob = next(d for d, data in registry.blobs.items() if data == APP)
    registry.hang.add(f"/v2/team/app/blobs/{blob}")
    async with (
        up(indexer),
        scanner.channel(("127.0.0.1", indexer.port), pki, CENTRAL, SCANNER_V4_INDEXER) as channel,
    ):
        index: IndexerAsyncStub = IndexerStub(channel)
        first = asyncio.create_task(
            answered(lambda: index.GetOrCreateIndexReport(index_request(registry, digest)), 90)
        )
        async with asyncio.timeout(90):
            while not registry.asked(blob):  # noqa: ASYNC110 - the server is in another thread
                await asyncio.sleep(0.05)
        indexer.kill()
        registry.hang.clear()
        registry.released.set()
        pool = Pool(settings=settings, clock=SystemClock())
        await pool.connect()
        assert await pool.fetchval("SELECT count(*) FROM index_manifest WHERE report IS NOT NULL") == 0
        # The dead process's leases would end by themselves after a minute.
        await pool.execute("UPDATE index_layer_lease SET until = now() - interval '1 second'")
        await pool.close()
        indexer.start()
        report = await first
        assert {p.name for p in report.contents.packages.values()} == {"openssl", "lodash"}
