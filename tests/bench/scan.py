"""How long a scan takes: `python -m tests.bench.scan` prints figures and ratios.

Called by `make bench`. The Debian image of the tests, from Debian's docker-registry over TLS
through an Indexer and a Matcher process on an embedded PostgreSQL. Indexing stands beside
`tar -tzf` and Python's tarfile on the same layers in the same run, and the report beside a
limit; memory is the highest sum of PSS of each process and its workers. `indexing` then
compares cold runs with those of syft and trivy.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER, SCANNER_V4_MATCHER
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2, matcher_service_pb2
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherStub
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from tests.bench.indexing import compare
from tests.support import pg, real_image, scanner
from tests.support.definitions import BULLSEYE, archive, debian, lines
from tests.support.docker_registry import Real, serving
from tests.support.fake_registry import digest_of
from tests.support.pki import Pki
from tests.support.scanner_process import Process, answered, up
from tests.support.vitals import MIB, pss

if TYPE_CHECKING:
    from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerAsyncStub
    from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherAsyncStub

ROUNDS = 20
REPORT_LIMIT_MS = 1000.0
"""A user waits for the report of an image that is indexed; a second still feels like an answer."""
# A real bundle has some 300,000 ranges; each installed package has some of its own here.
OTHERS, OF_PACKAGE = 200_000, 10
NEEDS = {
    "root's rights": lambda: os.geteuid() == 0,
    "debootstrap": lambda: shutil.which("debootstrap") is not None,
    "docker-registry": lambda: shutil.which("docker-registry") is not None,
    "npm": lambda: shutil.which("npm") is not None,
    "Maven": lambda: shutil.which("mvn") is not None,
    "PostgreSQL": pg.available,
}


@dataclass(frozen=True)
class Made:
    """The image as files, and what its database lists."""

    layers: list[Path]
    packages: list[str]

    @property
    def compressed(self) -> int:
        return sum(path.stat().st_size for path in self.layers)

    def whole(self) -> list[bytes]:
        """The layers as they are."""
        return [path.read_bytes() for path in self.layers]

    def diff_ids(self) -> list[str]:
        """The digests of the layers' tars."""
        return [digest_of(gzip.decompress(layer)) for layer in self.whole()]

    def anew(self) -> list[bytes]:
        """The same layers under other digests, which nobody has read yet."""
        return [path.read_bytes() + gzip.compress(b"") for path in self.layers]


class Peak:
    """The highest memory of some processes while it watches."""

    def __init__(self, *processes: Process) -> None:
        self._processes = processes
        self._ended = threading.Event()
        self.highest = dict.fromkeys((process.name for process in processes), 0)

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            for process in self._processes:
                now = pss(process.running.pid)
                self.highest[process.name] = max(self.highest[process.name], now)

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()


@dataclass(frozen=True)
class Services:
    """Both services, as Central calls them."""

    index: IndexerAsyncStub
    match: MatcherAsyncStub
    registry: Real

    async def indexed(self, digest: str) -> IndexReport:
        asked = indexer_service_pb2.GetOrCreateIndexReportRequest(hash_id=f"/v4/containerimage/{digest}")
        asked.container_image.url = f"https://{self.registry.host}/team/real@{digest}"
        asked.container_image.username, asked.container_image.password = "puller", "right"
        return await self.index.GetOrCreateIndexReport(asked)

    async def reported(self, digest: str) -> VulnerabilityReport:
        wanted = matcher_service_pb2.GetVulnerabilitiesRequest(hash_id=f"/v4/containerimage/{digest}")
        return await self.match.GetVulnerabilities(wanted)

    async def scanned(self, digest: str) -> VulnerabilityReport:
        await self.indexed(digest)
        return await self.reported(digest)


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def tell(name: str, figure: str, beside: str = "") -> None:
    sys.stdout.write(f"{name:44}{figure:>12}  {beside}\n")
    sys.stdout.flush()


def unpacked(layers: list[Path]) -> int:
    """Bytes of the layers' tars."""
    total = 0
    for path in layers:
        with gzip.open(path) as tar:
            while part := tar.read(MIB):
                total += len(part)
    return total


def by_tar(layers: list[Path]) -> float:
    """Seconds of `tar -tzf`, one layer after the other."""
    began = time.perf_counter()
    for path in layers:
        subprocess.run(["tar", "-tzf", str(path)], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def by_tarfile(layers: list[Path]) -> float:
    """Seconds of a walk with Python's tarfile."""
    began = time.perf_counter()
    for path in layers:
        with tarfile.open(path, "r|gz") as tar:
            for _ in tar:
                pass
    return time.perf_counter() - began


def bundle(packages: list[str]) -> bytes:
    """Advisories of all installed packages and of many others."""
    records = [
        debian(f"CVE-2098-{at}-{n}", package, "99.0", system=BULLSEYE)
        for at, package in enumerate(packages)
        for n in range(OF_PACKAGE)
    ]
    records += [
        debian(f"CVE-2099-{n}", f"package-{n % 20_000}", "1.0", system=BULLSEYE) for n in range(OTHERS)
    ]
    return archive({"debian": lines(records)})


def made(directory: Path) -> Made:
    """Build the image."""
    root = directory / "root"
    real_image.build(root)
    listed = real_image.run(
        "dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${source:Package}\n"
    )
    layers = real_image.layers(root, directory)
    shutil.rmtree(root)
    return Made(layers, sorted(set(listed.split())))


async def measure(services: Services, image: Made, first: str, again: str, peak: Peak) -> None:
    """All figures."""
    size = unpacked(image.layers)
    cold = await seconds(lambda: services.scanned(first))
    tell("first scan", f"{cold:.2f} s", "its workers start, too")
    warm = await seconds(lambda: services.indexed(again))
    ours, plain, walk = size / warm / 1e6, by_tar(image.layers), by_tarfile(image.layers)
    tell("index, layers unread, workers warm", f"{ours:.0f} MB/s", f"{size / 1e6:.0f} MB in {warm:.2f} s")
    tell("  beside tar -tzf", f"{size / plain / 1e6:.0f} MB/s", f"{plain / warm:.2f} of the peer")
    tell("  beside Python's tarfile", f"{size / walk / 1e6:.0f} MB/s", f"{walk / warm:.2f} of the peer")
    spent = [await seconds(lambda: services.scanned(first)) for _ in range(ROUNDS)]
    tell(
        "scan again, p50",
        f"{statistics.median(spent) * 1000:.0f} ms",
        f"1/{cold / statistics.median(spent):.0f} of the first",
    )
    spent = [await seconds(lambda: services.reported(first)) * 1000 for _ in range(ROUNDS)]
    middle = statistics.median(spent)
    tell(
        "vulnerability report, p50",
        f"{middle:.0f} ms",
        f"{middle / REPORT_LIMIT_MS:.2f} of {REPORT_LIMIT_MS:.0f} ms",
    )
    found = await services.reported(first)
    tell("  packages, findings", f"{len(found.contents.packages)}, {len(found.vulnerabilities)}")
    for name, highest in peak.highest.items():
        tell(f"peak memory of {name}", f"{highest / MIB:.0f} MiB", "PSS, its workers included")


async def run(directory: Path, image: Made, registry: Real, server: pg.TestServer) -> None:
    """Start both services and measure."""
    pki, settings = Pki(directory / "pki"), server.database()
    (directory / "cas").mkdir()
    (directory / "cas/registry.crt").write_text(registry.ca_pem)
    (directory / "bundle.zip").write_bytes(bundle(image.packages))
    trusting = {"ROX_ADDITIONAL_CA_DIR": str(directory / "cas"), "SCANNER_V4_LOG_LEVEL": "warn"}
    indexer = Process("scanner_indexer", settings, pki, SCANNER_V4_INDEXER, **trusting)
    more = {
        "SCANNER_V4_MATCHER_VULNERABILITIES_URL": (directory / "bundle.zip").as_uri(),
        "SCANNER_V4_MATCHER_INDEXER_ADDR": f"127.0.0.1:{indexer.port}",
        "SCANNER_V4_LOG_LEVEL": "warn",
    }
    matcher = Process("scanner_matcher", settings, pki, SCANNER_V4_MATCHER, **more)
    first = registry.push("team/real", "1", *(path.read_bytes() for path in image.layers))
    again = registry.push("team/real", "2", *image.anew())
    async with (
        up(indexer, matcher),
        scanner.channel(("127.0.0.1", indexer.port), pki, CENTRAL, SCANNER_V4_INDEXER) as to_indexer,
        scanner.channel(("127.0.0.1", matcher.port), pki, CENTRAL, SCANNER_V4_MATCHER) as to_matcher,
    ):
        services = Services(IndexerStub(to_indexer), MatcherStub(to_matcher), registry)
        peak = Peak(indexer, matcher)
        with peak.watching():
            empty = matcher_service_pb2.GetVulnerabilitiesRequest(hash_id="/v4/containerimage/none")
            empty.contents.SetInParent()
            asked = indexer_service_pb2.HasIndexReportRequest(hash_id="/v4/containerimage/none")
            await answered(lambda: services.index.HasIndexReport(asked))
            loading = await seconds(lambda: answered(lambda: services.match.GetVulnerabilities(empty), 300))
            tell(
                "bundle loaded",
                f"{loading:.1f} s",
                f"{OTHERS + OF_PACKAGE * len(image.packages):,} advisories",
            )
            await measure(services, image, first, again, peak)


def main() -> int:
    """Print the figures, or why there are none."""
    if missing := [name for name, there in NEEDS.items() if not there()]:
        sys.stdout.write(f"skipped: needs {', '.join(missing)}\n")
        return 0
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        try:
            image = made(directory)
        except AssertionError as error:
            sys.stdout.write(f"skipped: the image cannot be built here: {str(error)[:500]}\n")
            return 0
        (directory / "registry").mkdir()
        with serving(directory / "registry") as registry, pg.running_server() as server:
            asyncio.run(run(directory, image, registry, server))
            whole = registry.push("team/whole", "1", *image.whole(), diff_ids=image.diff_ids())
            compare(f"{registry.host}/team/whole@{whole}", directory / "cas/registry.crt", server, directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
