"""The built images, scanned by our own Indexer and Matcher over a registry, with public advisories."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER, SCANNER_V4_MATCHER
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2, matcher_service_pb2
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherStub
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from tests.support import pg, scanner
from tests.support.fake_registry import FakeRegistry, running, tar_of
from tests.support.pki import Pki
from tests.support.scanner_process import Process, answered, up
from tools.build_vuln_bundle import build
from tools.images import verify
from tools.images.__main__ import IMAGES

if TYPE_CHECKING:
    from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerAsyncStub
    from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherAsyncStub

pytestmark = [pytest.mark.needs("images", "postgres", "shared"), pytest.mark.timeout(600)]

ARCHIVES = Path(__file__).resolve().parents[2] / "build" / "images"
CONFIG = {"architecture": "amd64", "os": "linux", "config": {}, "history": []}
# A package with an advisory that says what fixes it.
METADATA = b"Metadata-Version: 2.1\nName: PyYAML\nVersion: 5.3\n"
CONTROL = tar_of({"usr/local/lib/python3.13/site-packages/PyYAML-5.3.dist-info/METADATA": METADATA})


@pytest.fixture(scope="module")
def registry() -> Iterator[FakeRegistry]:
    """A registry with all images; layers that they share are there once."""
    with running(FakeRegistry()) as fake:
        yield fake


def push(registry: FakeRegistry, name: str, *more: bytes) -> str:
    """Upload an archive, perhaps with further layers; the image's digest."""
    with tarfile.open(ARCHIVES / f"{name}.tar") as tar:
        (manifest,) = json.loads(content(tar, "manifest.json"))
        layers = [content(tar, layer) for layer in manifest["Layers"]]
        layers += more
        return registry.push(f"pyrox/{name}", "built", layers, CONFIG)


def content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


def fixable(report: VulnerabilityReport) -> dict[str, str]:
    """Name and fix of what could be fixed, of any severity: few of these advisories tell theirs."""
    return {v.name: v.fixed_in_version for v in report.vulnerabilities.values() if v.fixed_in_version}


def listed(report: VulnerabilityReport) -> set[tuple[str, str]]:
    """Name and version of what the report says is in the image."""
    packages = report.contents.packages.values()
    return {(verify.plain(package.name), package.version) for package in packages if package.kind == "binary"}


def billed(name: str) -> set[tuple[str, str]]:
    """Name and version of what its bill of materials says."""
    bill = verify.billed((ARCHIVES / f"{name}.spdx.json").read_text())
    return {(verify.plain(package), version) for _, package, version in bill}


async def test_built_images_hold_what_their_bill_says_and_nothing_that_has_a_fix(
    pg_server: pg.TestServer, registry: FakeRegistry, shared: Path, tmp_path: Path
) -> None:
    pki, settings, bundle = Pki(tmp_path / "pki"), pg_server.database(), tmp_path / "definitions.zip"
    build(shared / "data" / "feeds", bundle)
    indexer = Process("scanner_indexer", settings, pki, SCANNER_V4_INDEXER)
    more = {
        "SCANNER_V4_MATCHER_VULNERABILITIES_URL": bundle.as_uri(),
        "SCANNER_V4_MATCHER_INDEXER_ADDR": f"127.0.0.1:{indexer.port}",
    }
    matcher = Process("scanner_matcher", settings, pki, SCANNER_V4_MATCHER, **more)
    async with (
        up(indexer, matcher),
        scanner.channel(("127.0.0.1", indexer.port), pki, CENTRAL, SCANNER_V4_INDEXER) as to_indexer,
        scanner.channel(("127.0.0.1", matcher.port), pki, CENTRAL, SCANNER_V4_MATCHER) as to_matcher,
    ):
        index: IndexerAsyncStub = IndexerStub(to_indexer)
        match: MatcherAsyncStub = MatcherStub(to_matcher)

        async def scan(name: str, *more: bytes) -> VulnerabilityReport:
            digest = push(registry, name, *more)
            identity = f"/v4/containerimage/{digest}"
            request = indexer_service_pb2.GetOrCreateIndexReportRequest(hash_id=identity)
            request.container_image.url = f"{registry.base}/pyrox/{name}@{digest}"
            await answered(lambda: index.GetOrCreateIndexReport(request))
            wanted = matcher_service_pb2.GetVulnerabilitiesRequest(hash_id=identity)
            return await answered(lambda: match.GetVulnerabilities(wanted), 240)

        for name in IMAGES:
            report = await scan(name)
            assert fixable(report) == {}, name
            assert listed(report) == billed(name), name
        # The same way finds what is old, so its silence above means something.
        report = await scan("roxctl", CONTROL)
        assert fixable(report)["CVE-2020-14343"] == "5.4"
