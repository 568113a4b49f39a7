"""(a) of the scanner's figures: an image indexed by us, by syft and by trivy, one after the other.

Used by `scan`. The peers are built from their Go modules into a cache outside of the checkout;
that takes some minutes, so it is done only when `PYROX_BENCH_PEERS` is set, and kept. All take
the same image from the same registry, cold: no cache, an empty database for the service, SBOM
only. Each figure is the median of alternating runs; memory is the highest sum of PSS of the whole
process tree. The peers run as they are installed, our program from exec with its interpreter.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from tests.support import pg, scanner
from tests.support.pki import Pki
from tests.support.scanner_process import Process, answered, up
from tests.support.vitals import MIB, Peak

if TYPE_CHECKING:
    from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerAsyncStub

RUNS = 5
LIMIT = 0.5
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pyrox-bench"
BUILD = bool(os.environ.get("PYROX_BENCH_PEERS"))
BUILD_SECONDS = 3000


@dataclass(frozen=True)
class Peer:
    """A program of a Go module, and what its build wants."""

    name: str
    module: str
    version: str
    package: str
    experiment: str = ""

    @property
    def program(self) -> Path:
        return CACHE / f"{self.name}-{self.version}" / self.name

    def build(self) -> str:
        """Build it unless it is there; why it is not."""
        if self.program.exists():
            return ""
        go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
        if go is None:
            return f"{self.name}: there is no Go"
        if not BUILD:
            return f"{self.name}: not built; PYROX_BENCH_PEERS=1 builds it, which takes minutes"
        self.program.parent.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "GOBIN": str(self.program.parent), "GOFLAGS": "-buildvcs=false"}
        environment |= {"GOEXPERIMENT": self.experiment} if self.experiment else {}
        package = f"{self.module}/{self.package}"
        with tempfile.TemporaryDirectory() as place:
            for words in (
                ("mod", "init", "bench.example/peer"),
                ("get", "-tool", f"{package}@{self.version}"),
                ("install", package),
            ):
                done = subprocess.run(
                    [go, *words], cwd=place, env=environment, capture_output=True, text=True,
                    timeout=BUILD_SECONDS, check=False,
                )  # fmt: skip
                if done.returncode:
                    return f"{self.name}: go {words[0]}: {done.stderr.strip().splitlines()[-1:]}"
        return ""


SYFT = Peer("syft", "github.com/anchore/syft", "v1.57.0", "cmd/syft")
TRIVY = Peer("trivy", "github.com/aquasecurity/trivy", "v0.74.0", "cmd/trivy", experiment="jsonv2")


@dataclass(frozen=True)
class Spent:
    """One run."""

    seconds: float
    memory: int


def program(command: list[str], environment: Mapping[str, str]) -> Spent:
    """Run a program from exec to its end."""
    whole = {**os.environ, **environment}
    with tempfile.TemporaryFile() as complaints:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=whole, stdout=subprocess.DEVNULL, stderr=complaints)
        with Peak(process.pid, every=0.02) as peak:
            code = process.wait(timeout=300)
        spent = time.perf_counter() - began
        complaints.seek(0)
        assert code == 0, complaints.read()[-1000:].decode(errors="replace")
    return Spent(spent, peak.highest)


def ours(image: str, ca: Path) -> Spent:
    command = [sys.executable, "-m", "services.scannerctl", "index", f"https://{image}"]
    return program([*command, "--registry-ca", str(ca)], {"ROX_SCANNERCTL_BASIC_AUTH": "puller:right"})


def syft(image: str) -> Spent:
    environment = {
        "SYFT_REGISTRY_INSECURE_SKIP_TLS_VERIFY": "true",
        "SYFT_REGISTRY_AUTH_AUTHORITY": image.partition("/")[0],
        "SYFT_REGISTRY_AUTH_USERNAME": "puller",
        "SYFT_REGISTRY_AUTH_PASSWORD": "right",
        "SYFT_CHECK_FOR_APP_UPDATE": "false",
    }
    return program(
        [str(SYFT.program), "-q", "scan", f"registry:{image}", "-o", "cyclonedx-json"], environment
    )


def trivy(image: str) -> Spent:
    """Its index of Maven's jars, which it would download, is an empty one."""
    with tempfile.TemporaryDirectory() as cache:
        jars = Path(cache) / "java-db"
        jars.mkdir()
        with sqlite3.connect(jars / "trivy-java.db") as database:
            database.executescript(
                "CREATE TABLE artifacts (id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);"
                "CREATE TABLE indices (artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT,"
                " license TEXT);"
            )
        times = dict.fromkeys(("NextUpdate", "UpdatedAt", "DownloadedAt"), "2099-01-01T00:00:00Z")
        (jars / "metadata.json").write_text(json.dumps({"Version": 1, **times}))
        flags = ["--quiet", "--insecure", "--image-src", "remote", "--format", "cyclonedx", "--offline-scan"]
        flags += ["--skip-java-db-update", "--skip-version-check", "--disable-telemetry"]
        credentials = {"TRIVY_USERNAME": "puller", "TRIVY_PASSWORD": "right"}
        return program([str(TRIVY.program), "image", *flags, "--cache-dir", cache, image], credentials)


async def service(image: str, ca: Path, server: pg.TestServer, directory: Path) -> Spent:
    """The running Indexer with an empty database: from the request to its answer."""
    pki = Pki(Path(tempfile.mkdtemp(dir=directory)))
    process = Process(
        "scanner_indexer", server.database(), pki, SCANNER_V4_INDEXER,
        ROX_ADDITIONAL_CA_DIR=str(ca.parent), SCANNER_V4_LOG_LEVEL="warn",
    )  # fmt: skip
    digest = image.partition("@")[2]
    hash_id = f"/v4/containerimage/{digest}"
    asked = indexer_service_pb2.GetOrCreateIndexReportRequest(hash_id=hash_id)
    asked.container_image.url = f"https://{image}"
    asked.container_image.username, asked.container_image.password = "puller", "right"
    address = ("127.0.0.1", process.port)
    async with up(process), scanner.channel(address, pki, CENTRAL, SCANNER_V4_INDEXER) as channel:
        stub: IndexerAsyncStub = IndexerStub(channel)
        known = indexer_service_pb2.HasIndexReportRequest(hash_id=hash_id)
        await answered(lambda: stub.HasIndexReport(known))
        with Peak(process.running.pid, every=0.02) as peak:
            began = time.perf_counter()
            await stub.GetOrCreateIndexReport(asked)
            spent = time.perf_counter() - began
    return Spent(spent, peak.highest)


def compare(image: str, ca: Path, server: pg.TestServer, directory: Path) -> None:
    """Print the medians, and the ratios to the faster and to the leaner peer."""
    runs: dict[str, Callable[[], Spent]] = {
        "scannerctl index": lambda: ours(image, ca),
        "the running Indexer": lambda: asyncio.run(service(image, ca, server, directory)),
    }
    peers: dict[str, tuple[Peer, Callable[[], Spent]]] = {
        "syft": (SYFT, lambda: syft(image)),
        "trivy": (TRIVY, lambda: trivy(image)),
    }
    for name, (peer, run) in peers.items():
        if reason := peer.build():
            sys.stdout.write(f"(a) skipped: {reason}\n")
        else:
            runs[name] = run
    spent: dict[str, list[Spent]] = {name: [] for name in runs}
    for _ in range(RUNS):
        for name, run in runs.items():
            spent[name].append(run())
    seconds = {name: statistics.median(one.seconds for one in found) for name, found in spent.items()}
    memory = {name: statistics.median(one.memory for one in found) / MIB for name, found in spent.items()}
    fastest = min((seconds[name] for name in peers if name in runs), default=0.0)
    leanest = min((memory[name] for name in peers if name in runs), default=0.0)
    for name in runs:
        beside = ""
        if name not in peers and fastest:
            of_time, of_memory = seconds[name] / fastest, memory[name] / leanest
            beside = f"{of_time:.2f} of the faster peer, {of_memory:.2f} of the leaner; limit {LIMIT}"
        sys.stdout.write(f"(a) {name:40}{seconds[name]:>8.2f} s {memory[name]:>6.0f} MiB  {beside}\n")
        sys.stdout.flush()
