"""How long advisories load and images match: `python -m tests.bench.matcher` prints figures and ratios.

Called by `make bench`. One Matcher process on an embedded PostgreSQL with its WAL on.
`PYROX_BENCH_ROWS` says how many rows are loaded (200,000 unless it is given), in
`PYROX_BENCH_SOURCES` bundles; the stated limits are those for eight million, so a limit for
fewer is its part of them. Versions are those that Debian's packages have; names are at least
20,000 a namespace.

(b) loading from upstream's form and from the compact one: parse, COPY, index, swap apart
(c) 500 packages against these rows, at rest and while another bundle is loaded
(d) a second report for an unchanged image
(e) images a second of one Matcher with four clients
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import zstandard

from pyrox.clock import SystemClock
from pyrox.mtls.identity import CENTRAL, SCANNER_V4_MATCHER
from pyrox.pb.internalapi.scanner.v4 import matcher_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherStub
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support import pg, scanner
from tests.support.definitions import debian
from tests.support.pki import Pki
from tests.support.scanner_process import Process, answered, up
from tests.support.vitals import MIB, pss
from tools.compact_vuln_bundle import add

if TYPE_CHECKING:
    from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherAsyncStub

ROWS = int(os.environ.get("PYROX_BENCH_ROWS", "200000"))
SOURCES = int(os.environ.get("PYROX_BENCH_SOURCES", "4"))
NAMES = max(20_000, ROWS // 400)
RELEASES = ("11", "12", "13")
PACKAGES, OFTEN, IMAGES, CLIENTS, SECONDS = 500, 30, 200, 4, 10
WHOLE = 8_000_000
LOAD_LIMIT_S, COMPACT_LIMIT_S, MEMORY_LIMIT_MIB = 300.0, 60.0, 1024
P50_LIMIT_MS, P95_LIMIT_MS, AGAIN_LIMIT_MS = 40.0, 100.0, 150.0
FIRST = datetime(2026, 8, 1, tzinfo=UTC)


def tell(name: str, figure: str, beside: str = "") -> None:
    sys.stdout.write(f"{name:44}{figure:>12}  {beside}\n")
    sys.stdout.flush()


def against(value: float, limit: float, unit: str) -> str:
    """The ratio to a stated limit."""
    return f"{value / limit:.2f} of {limit:.4g} {unit}"


def versions(chance: random.Random) -> list[str]:
    """Versions of the forms that Debian's have."""
    return [
        f"{chance.choice(['', '', '1:'])}{chance.randrange(9)}.{chance.randrange(30)}.{chance.randrange(20)}"
        f"{chance.choice(['', '~rc1', '+dfsg', '+git20240101'])}-{chance.randrange(1, 9)}"
        f"{chance.choice(['', '+deb12u1', '.1', '~bpo12+1'])}"
        for _ in range(5000)
    ]


def records(source: int, chance: random.Random) -> Iterator[bytes]:
    """The lines of one bundle; some packages have many advisories, as in real feeds."""
    known = versions(chance)
    for n in range(ROWS // SOURCES):
        # The Pareto form: the kernel has thousands, most packages have one.
        name = min(int(chance.paretovariate(0.7)) - 1, NAMES - 1) if n % 2 else chance.randrange(NAMES)
        release = RELEASES[n % len(RELEASES)]
        system = {"did": "debian", "name": "Debian GNU/Linux", "version": release, "version_id": release}
        cve = f"CVE-{2000 + source}-{n // len(RELEASES):06}"
        made = debian(cve, f"package{name}", chance.choice(known), system=system)
        vuln = made["Vuln"]
        assert isinstance(vuln, dict)
        vuln["description"] = "What could happen, in the words of the one who found it. " * 5
        yield json.dumps(made).encode() + b"\n"


def build(target: Path, moment: datetime) -> None:
    """A zip of all bundles."""
    with ZipFile(target, "w", ZIP_STORED) as opened:
        for source in range(SOURCES):
            info = ZipInfo(f"source{source}.json.zst", moment.timetuple()[:6])
            compressor = zstandard.ZstdCompressor(level=3)
            with (
                opened.open(info, "w", force_zip64=True) as out,
                compressor.stream_writer(out, closefd=False) as packed,
            ):
                for line in records(source, random.Random(source)):
                    packed.write(line)
    os.utime(target, (moment.timestamp(), moment.timestamp()))


def image(number: int) -> Contents:
    """An image of 500 packages with versions in the middle of the advisories'."""
    chance, made = random.Random(number), Contents()
    known = versions(chance)
    system = made.distributions["1"]
    system.id, system.did, system.version_id = "1", "debian", chance.choice(RELEASES)
    for n in range(PACKAGES):
        package = made.packages[str(n)]
        # A few that have hundreds of advisories, as an image's kernel headers and libraries do.
        name = f"package{chance.randrange(20, 200) if n < OFTEN else chance.randrange(NAMES)}"
        package.id, package.name, package.kind = str(n), name, "binary"
        package.version = package.source.version = chance.choice(known)
        package.source.id, package.source.name, package.source.kind = f"1{n}", name, "source"
        place = made.environments[str(n)].environments.add()
        place.package_db, place.distribution_id = "var/lib/dpkg/status", "1"
    return made


class Peak:
    """The highest memory of the Matcher and its workers."""

    def __init__(self, process: Process) -> None:
        self._process, self._ended, self.highest = process, threading.Event(), 0

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self.highest = max(self.highest, pss(self._process.running.pid))


async def loaded(settings: Settings, moment: datetime) -> None:
    """Return when every source is of that time and its history is written."""
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect(attempts=None)
    try:
        while True:
            if await pool.fetchval("SELECT to_regclass('vuln_begun') IS NOT NULL"):
                state = await pool.fetchrow(
                    "SELECT count(*) FILTER (WHERE updated >= $1) AS done, min(updated) FROM vuln_source",
                    moment,
                )
                if state is not None and state["done"] == SOURCES:
                    return
            await asyncio.sleep(0.1)
    finally:
        await pool.close()


async def measured_load(
    name: str, settings: Settings, matcher: Process, moment: datetime, limit: float
) -> None:
    """Start the Matcher, wait for the load, and tell how long and how large."""
    began = time.perf_counter()
    with Peak(matcher) as peak:
        await loaded(settings, moment)
        spent = time.perf_counter() - began
    tell(
        f"(b) {ROWS:,} rows from {name}",
        f"{spent:.1f} s",
        against(spent, limit * ROWS / WHOLE, "s") + f", {ROWS / spent:,.0f} rows/s",
    )
    tell(
        "    peak memory",
        f"{peak.highest / MIB:.0f} MiB",
        against(peak.highest / MIB, MEMORY_LIMIT_MIB, "MiB"),
    )


async def asked(match: MatcherAsyncStub, number: int, contents: Contents) -> tuple[float, int]:
    """Milliseconds and hits of one report."""
    request = pb.GetVulnerabilitiesRequest(
        hash_id=f"/v4/containerimage/sha256:{number:064x}", contents=contents
    )
    began = time.perf_counter()
    report = await match.GetVulnerabilities(request)
    spent = (time.perf_counter() - began) * 1000
    return spent, sum(len(found.values) for found in report.package_vulnerabilities.values())


def tell_times(name: str, spent: Sequence[float], factor: float = 1.0) -> None:
    p50, p95 = statistics.median(spent), statistics.quantiles(spent, n=20)[-1]
    tell(f"{name}, p50", f"{p50:.0f} ms", against(p50, P50_LIMIT_MS * factor, "ms"))
    tell(f"{name}, p95", f"{p95:.0f} ms", against(p95, P95_LIMIT_MS * factor, "ms"))


async def images_of_a_second(match: MatcherAsyncStub, images: Sequence[Contents]) -> float:
    """Reports a second of four clients that ask without a pause."""
    end, done = time.perf_counter() + SECONDS, 0

    async def client(number: int) -> None:
        nonlocal done
        while time.perf_counter() < end:
            at = (number + done) % len(images)
            await asked(match, at, images[at])
            done += 1

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return done / SECONDS


async def matching(match: MatcherAsyncStub) -> None:
    """(c), (d) and (e)."""
    images = [image(number) for number in range(IMAGES)]
    await asked(match, 0, images[0])
    found = [await asked(match, number, contents) for number, contents in enumerate(images)]
    hits = sorted(count for _, count in found)
    tell_times(f"(c) {PACKAGES} packages, {IMAGES} images", [spent for spent, _ in found])
    tell("    hits, least, middle, most", f"{hits[0]}", f"{hits[len(hits) // 2]}, {hits[-1]}")
    again = statistics.median([(await asked(match, 0, images[0]))[0] for _ in range(20)])
    tell("(d) same image again, p50", f"{again:.0f} ms", against(again, AGAIN_LIMIT_MS, "ms"))
    rate = await images_of_a_second(match, images)
    tell(f"(e) {CLIENTS} clients, one Matcher", f"{rate:.1f}/s", "images matched")


async def run(directory: Path, server: pg.TestServer) -> None:
    """All figures."""
    file, compact = directory / "lines.zip", directory / "both.zip"
    began = time.perf_counter()
    build(file, FIRST)
    add(file, compact)
    later = FIRST + timedelta(days=1)
    tell(
        "(bundles made, no figure of ours)",
        f"{time.perf_counter() - began:.0f} s",
        f"{file.stat().st_size / MIB:.0f} MiB",
    )
    pki, quiet = Pki(directory / "pki"), {"SCANNER_V4_LOG_LEVEL": "warn"}
    for name, bundle, limit in (
        ("lines", file, LOAD_LIMIT_S),
        ("the compact form", compact, COMPACT_LIMIT_S),
    ):
        settings = server.database()
        more = {"SCANNER_V4_MATCHER_VULNERABILITIES_URL": bundle.as_uri(), **quiet}
        matcher = Process("scanner_matcher", settings, pki, SCANNER_V4_MATCHER, **more)
        async with up(matcher):
            await measured_load(name, settings, matcher, FIRST, limit)
            if bundle is compact:
                async with scanner.channel(
                    ("127.0.0.1", matcher.port), pki, CENTRAL, SCANNER_V4_MATCHER
                ) as channel:
                    match: MatcherAsyncStub = MatcherStub(channel)
                    await matching(match)
    await during_a_load(directory, pki, settings, later)


async def during_a_load(directory: Path, pki: Pki, settings: Settings, later: datetime) -> None:
    """(c) again while another Matcher replaces every source."""
    newer = directory / "newer.zip"
    build(newer, later)
    quiet = {"SCANNER_V4_LOG_LEVEL": "warn"}
    resting = Process(
        "scanner_matcher", settings, pki, SCANNER_V4_MATCHER,
        SCANNER_V4_MATCHER_VULNERABILITIES_URL=(directory / "both.zip").as_uri(), **quiet,
    )  # fmt: skip
    loading = Process(
        "scanner_matcher", settings, pki, SCANNER_V4_MATCHER,
        SCANNER_V4_MATCHER_VULNERABILITIES_URL=newer.as_uri(), **quiet,
    )  # fmt: skip
    images, spent = [image(number) for number in range(IMAGES)], list[float]()
    address = ("127.0.0.1", resting.port)
    async with (
        up(resting),
        scanner.channel(address, pki, CENTRAL, SCANNER_V4_MATCHER) as channel,
    ):
        match: MatcherAsyncStub = MatcherStub(channel)
        await answered(lambda: asked(match, 0, images[0]))
        async with up(loading):
            load = asyncio.create_task(loaded(settings, later))
            while not load.done():
                at = len(spent) % IMAGES
                spent.append((await asked(match, at, images[at]))[0])
            await load
    tell_times(f"(c) while all is loaded anew, {len(spent)} asked", spent, 2.0)


def main() -> int:
    """Print the figures, or why there are none."""
    if not pg.available():
        sys.stdout.write("skipped: needs PostgreSQL\n")
        return 0
    with tempfile.TemporaryDirectory() as place, pg.running_server() as server:
        asyncio.run(run(Path(place), server))
    return 0


if __name__ == "__main__":
    sys.exit(main())
