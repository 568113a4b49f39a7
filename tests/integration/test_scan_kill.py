"""Several Indexers on one database, as processes: they share the work, also when they are killed.

`PYROX_KILLS` says how often one of them, and how often their PostgreSQL, is killed while images
are indexed (3 without it); `PYROX_KILL_SEED` repeats a run, `-s` shows the figures. What is
fetched is counted by the registry: a layer again only if somebody died meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from pyrox.clock import SystemClock
from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support import pg, scanner
from tests.support.fake_registry import FakeRegistry, layer_of, running
from tests.support.pki import Pki
from tests.support.scanner_process import Process, answered, up

if TYPE_CHECKING:
    from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerAsyncStub

KILLS = int(os.environ.get("PYROX_KILLS", "3"))
SEED = int(os.environ.get("PYROX_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
pytestmark = [pytest.mark.needs("postgres"), pytest.mark.asyncio, pytest.mark.timeout(300 + 60 * KILLS)]
IMAGES, SHARED = 12, 6
MOST_AT_ONCE = 5
"""Layers of one registry that one Indexer has in work (services/scanner_indexer/states.py)."""


@cache
def base(seed: int) -> tuple[bytes, ...]:
    """The layers that all images have; each takes a while to read."""
    noise = random.Random(seed)
    return tuple(
        layer_of({f"usr/share/noise/{n}": noise.randbytes(3_000_000), **package(f"shared-{seed}-{n}")})
        for n in range(SHARED)
    )


def layers(seed: int, image: str) -> list[bytes]:
    """The base, and one layer of the image's own."""
    return [*base(seed), layer_of({f"srv/{image}": b"x", **package(f"own-{image}")})]


def package(name: str) -> dict[str, bytes]:
    """A Python package."""
    return {
        f"opt/{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()
    }


@dataclass(frozen=True)
class Site:
    """Two Indexers, the registry, and the database."""

    indexers: tuple[Process, Process]
    stubs: tuple[IndexerAsyncStub, IndexerAsyncStub]
    registry: FakeRegistry
    settings: Settings

    def push(self, seed: int, count: int = IMAGES) -> dict[str, str]:
        """Images with a common base: name to digest."""
        return {
            name: self.registry.push("team/app", name, layers(seed, name))
            for name in (f"image-{seed}-{n}" for n in range(count))
        }

    async def index(self, turn: int, digest: str) -> IndexReport:
        """Ask the Indexers in turn, again when one was killed."""
        asked = pb.GetOrCreateIndexReportRequest(hash_id=f"/v4/containerimage/{digest}")
        asked.container_image.url = f"{self.registry.base}/team/app@{digest}"
        turns = iter(range(turn, turn + 10_000))
        return await answered(
            lambda: self.stubs[next(turns) % 2].GetOrCreateIndexReport(asked, timeout=60), seconds=120
        )

    def fetched(self) -> Counter[str]:
        """How often each blob was asked for."""
        return Counter(request.path for request in self.registry.requests if "/blobs/" in request.path)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running(FakeRegistry()) as fake:
        yield fake


@pytest.fixture
def own_server() -> Iterator[pg.TestServer]:
    """A PostgreSQL that may be killed."""
    with pg.running_server() as server:
        yield server


@pytest_asyncio.fixture
async def site(pg_server: pg.TestServer, registry: FakeRegistry, tmp_path: Path) -> AsyncIterator[Site]:
    async with standing(pg_server, registry, tmp_path) as made:
        yield made


@asynccontextmanager
async def standing(server: pg.TestServer, registry: FakeRegistry, tmp_path: Path) -> AsyncIterator[Site]:
    """Two Indexers on a fresh database of the server."""
    settings, pki = server.database(), Pki(tmp_path / "pki")
    async with AsyncExitStack() as stack:
        # Sockets lie in it, whose paths must be short.
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="pyrox-"))
        first, second = (
            Process("scanner_indexer", settings, pki, SCANNER_V4_INDEXER, TMPDIR=scratch) for _ in range(2)
        )
        await stack.enter_async_context(up(first, second))
        channels = [
            await stack.enter_async_context(
                scanner.channel(("127.0.0.1", process.port), pki, CENTRAL, SCANNER_V4_INDEXER)
            )
            for process in (first, second)
        ]
        yield Site((first, second), (IndexerStub(channels[0]), IndexerStub(channels[1])), registry, settings)


def expected(seed: int, name: str) -> set[str]:
    """The packages of an image."""
    return {f"shared-{seed}-{n}" for n in range(SHARED)} | {f"own-{name}"}


def named(report: IndexReport) -> set[str]:
    """The packages of a report."""
    return {package.name for package in report.contents.packages.values()}


async def stored(settings: Settings) -> list[tuple[str, bool]]:
    """State of each image, and whether a report is kept."""
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        rows = await pool.fetch("SELECT state, report IS NOT NULL AS kept FROM index_manifest")
    finally:
        await pool.close()
    return [(row["state"], row["kept"]) for row in rows]


async def test_two_indexers_fetch_each_layer_once(site: Site) -> None:
    images = site.push(1)
    reports = await asyncio.gather(*(site.index(turn, digest) for turn, digest in enumerate(images.values())))
    for name, report in zip(images, reports, strict=True):
        assert named(report) == expected(1, name)
    fetched = site.fetched()
    assert len(fetched) >= SHARED + IMAGES
    assert set(fetched.values()) == {1}
    assert await stored(site.settings) == [("IndexFinished", True)] * IMAGES


def say(what: str, fetched: Counter[str], kills: int) -> None:
    """A line of the figures."""
    again = sum(fetched.values()) - len(fetched)
    sys.stdout.write(f"seed {SEED}: {what} killed {kills} times, {len(fetched)} layers, {again} again\n")


async def test_killed_indexers_lose_nothing_and_repeat_little(site: Site) -> None:
    chance, images = random.Random(SEED), site.push(2)
    work = asyncio.gather(*(site.index(turn, digest) for turn, digest in enumerate(images.values())))
    killed = 0
    while killed < KILLS or not work.done():
        if killed < KILLS:
            await asyncio.sleep(chance.uniform(0.5, 2.5))
            victim = chance.choice(site.indexers)
            await asyncio.to_thread(victim.kill)
            victim.start()
            killed += 1
        else:
            await asyncio.wait([work])
    for name, report in zip(images, await work, strict=True):
        assert report.success
        assert named(report) == expected(2, name)
    assert await stored(site.settings) == [("IndexFinished", True)] * IMAGES
    fetched = site.fetched()
    say("Indexers", fetched, killed)
    assert sum(fetched.values()) - len(fetched) <= KILLS * MOST_AT_ONCE, f"seed {SEED}"
    # What the images have in common is known now, and so are they.
    before = len(site.registry.requests)
    for name, digest in images.items():
        assert named(await site.index(0, digest)) == expected(2, name)
    assert len(site.registry.requests) == before


async def test_killed_database_loses_no_layer_and_repeats_little(
    own_server: pg.TestServer, registry: FakeRegistry, tmp_path: Path
) -> None:
    chance, seen = random.Random(SEED), dict[str, set[str]]()
    async with standing(own_server, registry, tmp_path) as site:
        for number in range(KILLS):
            # New images each time, so that there is work whenever it dies.
            images = site.push(10 + number, count=4)
            work = asyncio.gather(*(site.index(turn, digest) for turn, digest in enumerate(images.values())))
            await asyncio.sleep(chance.uniform(0.2, 2.0))
            await asyncio.to_thread(own_server.kill)
            await asyncio.sleep(chance.uniform(0.0, 1.0))
            await asyncio.to_thread(own_server.start)
            for name, report in zip(images, await work, strict=True):
                assert report.success
                assert named(report) == expected(10 + number, name), f"seed {SEED}"
            seen |= {digest: expected(10 + number, name) for name, digest in images.items()}
        assert await stored(site.settings) == [("IndexFinished", True)] * len(seen)
        fetched = site.fetched()
        say("PostgreSQL", fetched, KILLS)
        # Both Indexers may have had their most in work.
        assert sum(fetched.values()) - len(fetched) <= KILLS * 2 * MOST_AT_ONCE, f"seed {SEED}"
        before = len(site.registry.requests)
        for digest, packages in seen.items():
            assert named(await site.index(0, digest)) == packages
        assert len(site.registry.requests) == before
