"""How long advisories load and images match: `python -m tests.bench.matcher` prints figures and ratios.

Called by `make bench`. One Matcher process on an embedded PostgreSQL with its WAL on.
`PYROX_BENCH_ROWS` says how many rows are loaded (200,000 unless it is given; 8000000 are those of
the stated limits, which take half an hour and 40 GiB of disk), in `PYROX_BENCH_SOURCES` bundles; a
limit for fewer is its part of them. Each bundle has the advisories of some releases of a
distribution, as real feeds do. Versions are those that Debian's packages have; names are 20,000 a
namespace. PostgreSQL has the memory that the chart gives the scanner's database.

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
import shutil
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
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
from tests.support.vitals import MIB, Peak
from tools.compact_vuln_bundle import add

if TYPE_CHECKING:
    from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherAsyncStub

ROWS = int(os.environ.get("PYROX_BENCH_ROWS", "200000"))
SOURCES = int(os.environ.get("PYROX_BENCH_SOURCES", "14" if ROWS >= 1_000_000 else "4"))
NAMES = 20_000
# The releases of one bundle; each bundle has its own. Fewer rows make fewer releases, so that an
# image has as many hits.
RELEASES = 3 if ROWS >= 1_000_000 else 1
FIRST_RELEASE = 11
# Packages with hundreds of advisories, as an image's kernel headers and libraries are.
MANY = range(20, 300) if ROWS >= 1_000_000 else range(8, 80)
PACKAGES, IMAGES, CLIENTS, SECONDS = 500, 200, 4, 10
WHOLE = 8_000_000
LOAD_LIMIT_S, COMPACT_LIMIT_S, MEMORY_LIMIT_MIB = 300.0, 60.0, 1024
P50_LIMIT_MS, P95_LIMIT_MS, AGAIN_LIMIT_MS = 40.0, 100.0, 150.0
CHART = Path(__file__).resolve().parents[2] / "deploy/helm/central-services/files/defaults.json"
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
        release = str(FIRST_RELEASE + source * RELEASES + n % RELEASES)
        system = {"did": "debian", "name": "Debian GNU/Linux", "version": release, "version_id": release}
        # One text for three ranges, as feeds that cover several releases have.
        cve = f"CVE-{2000 + source}-{n // 3:06}"
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


def restamp(source: Path, target: Path, moment: datetime) -> None:
    """The same bundles as of another time."""
    with ZipFile(source) as old, ZipFile(target, "w", ZIP_STORED) as new:
        for member in old.infolist():
            info = ZipInfo(member.filename, moment.timetuple()[:6])
            with old.open(member) as content, new.open(info, "w", force_zip64=True) as out:
                shutil.copyfileobj(content, out, MIB)
    os.utime(target, (moment.timestamp(), moment.timestamp()))


def image(number: int) -> Contents:
    """An image of 500 packages with versions in the middle of the advisories'."""
    chance, made = random.Random(number), Contents()
    known = versions(chance)
    system = made.distributions["1"]
    system.id, system.did = "1", "debian"
    system.version_id = str(FIRST_RELEASE + chance.randrange(SOURCES * RELEASES))
    # Few images have a thousand hits for each hundred of the others.
    many = 20 + int(330 * chance.random() ** 4)
    for n in range(PACKAGES):
        package = made.packages[str(n)]
        name = f"package{chance.choice(MANY) if n < many else chance.randrange(MANY.start, NAMES)}"
        package.id, package.name, package.kind = str(n), name, "binary"
        package.version = package.source.version = chance.choice(known)
        package.source.id, package.source.name, package.source.kind = f"1{n}", name, "source"
        place = made.environments[str(n)].environments.add()
        place.package_db, place.distribution_id = "var/lib/dpkg/status", "1"
    return made


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


PHASES = ("parse", "copy", "index", "swap")


def phases(matcher: Process) -> dict[str, float]:
    """Seconds of each phase by the Matcher's own metrics, summed over the sources; two overlap."""
    address = matcher.environment["ROX_METRICS_PORT"]
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    name = "load_seconds_total"
    found = (line.rpartition(" ") for line in lines if name in line and not line.startswith("#"))
    return {labels.partition('phase="')[2].partition('"')[0]: float(value) for labels, _, value in found}


async def measured_load(
    name: str, settings: Settings, matcher: Process, moment: datetime, limit: float
) -> None:
    """Start the Matcher, wait for the load, and tell how long and how large."""
    began = time.perf_counter()
    with Peak(matcher.running.pid) as peak:
        await loaded(settings, moment)
        spent = time.perf_counter() - began
    tell(
        f"(b) {ROWS:,} rows from {name}",
        f"{spent:.1f} s",
        against(spent, limit * ROWS / WHOLE, "s") + f", {ROWS / spent:,.0f} rows/s",
    )
    tell("    parse, COPY, index, swap", "", ", ".join(f"{phases(matcher)[name]:.1f} s" for name in PHASES))
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
    restamp(directory / "lines.zip", newer, later)
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


def as_the_chart(server: pg.TestServer) -> None:
    """Give the server the memory that the chart's default gives the scanner's database."""
    profiles = json.loads(CHART.read_text())["values"]["profiles"]
    chosen = profiles["default"]["scanner-v4-db"]["postgres"]
    names = ("shared_buffers", "work_mem", "maintenance_work_mem", "max_wal_size")
    server.stop()
    server.server = replace(server.server, options=tuple(f"{name}={chosen[name]}" for name in names))
    server.start()


def main() -> int:
    """Print the figures, or why there are none."""
    if not pg.available():
        sys.stdout.write("skipped: needs PostgreSQL\n")
        return 0
    with tempfile.TemporaryDirectory() as place, pg.running_server() as server:
        as_the_chart(server)
        asyncio.run(run(Path(place), server))
    return 0


if __name__ == "__main__":
    sys.exit(main())
