"""Loads of advisories that are killed, shared, or read meanwhile: always the old rows or the new, whole.

`PYROX_KILLS` says how often each is killed, `PYROX_KILL_SEED` repeats a run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from pyrox.mtls.identity import SCANNER_V4_MATCHER
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from services.scanner_matcher.app import App
from tests.support import pg, scanner
from tests.support.definitions import archive, debian, lines
from tests.support.pki import Pki
from tests.support.scanner_process import Process, running

KILLS = int(os.environ.get("PYROX_KILLS", "3"))
SEED = int(os.environ.get("PYROX_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
pytestmark = [pytest.mark.needs("postgres"), pytest.mark.timeout(120 + 60 * KILLS)]

COUNT = 20_000
_WHOLE = (
    "SELECT count(*) AS count, count(DISTINCT fixed_in) AS versions, min(fixed_in) AS version FROM vuln_range"
)
_LEFT = (
    "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^vuln_(range|text|enrichment)_[0-9]'"
)
_PENDING = "SELECT count(*) FROM vuln_source WHERE undiffed IS NOT NULL"


class Bundle:
    """A zip whose rows all name its own number as the fix."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "vulnerabilities.zip"
        self.number = 0

    @property
    def setting(self) -> dict[str, str]:
        return {"SCANNER_V4_MATCHER_VULNERABILITIES_URL": self.file.as_uri()}

    def publish(self, *names: str) -> int:
        """The next version, of these sources."""
        self.number += 1
        made = datetime(2026, 8, 1, tzinfo=UTC) + timedelta(days=self.number)
        rows = [debian(f"CVE-2099-{n}", f"package{n}", str(self.number)) for n in range(COUNT)]
        data = lines(rows)
        whole = archive(dict.fromkeys(names or ("debian",), data), made)
        # As a download: a reader sees the old file or the new one.
        fresh = self.file.with_suffix(".new")
        fresh.write_bytes(whole)
        os.utime(fresh, (made.timestamp(), made.timestamp()))
        fresh.replace(self.file)
        return self.number


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return Bundle(tmp_path)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


@pytest.fixture
def own_server() -> Iterator[pg.TestServer]:
    """A PostgreSQL that may be killed."""
    with pg.running_server() as server:
        yield server


@asynccontextmanager
async def pool_of(settings: Settings) -> AsyncIterator[Pool]:
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect(attempts=None)
    try:
        yield pool
    finally:
        await pool.close()


async def version(settings: Settings) -> tuple[int, int, str | None]:
    """Rows, how many versions they are of, and the least of those."""
    async with pool_of(settings) as pool:
        if not await pool.fetchval("SELECT to_regclass('vuln_range') IS NOT NULL"):
            return 0, 0, None
        row = await pool.fetchrow(_WHOLE)
        assert row is not None
        return row["count"], row["versions"], row["version"]


async def is_whole(settings: Settings, *versions: int) -> bool:
    """Whether the rows are those of one of the versions, all of them and no others."""
    count, number, found = await version(settings)
    return (count, number) == (COUNT, 1) and found in {str(v) for v in versions}


async def test_matcher_killed_at_random_moments_of_a_reload_leaves_one_whole_version(
    pg_server: pg.TestServer, pki: Pki, bundle: Bundle
) -> None:
    chance, settings = random.Random(SEED), pg_server.database()
    matcher = Process("scanner_matcher", settings, pki, SCANNER_V4_MATCHER, **bundle.setting)
    bundle.publish()
    async with scanner.matcher(settings, pki, **bundle.setting) as first:
        await scanner.loaded(first)
    for _ in range(KILLS):
        new = bundle.publish()
        old = int((await version(settings))[2] or 0)
        matcher.start()
        await asyncio.sleep(chance.uniform(1.0, 3.5))
        matcher.kill()
        assert await is_whole(settings, old, new), f"seed {SEED}"
    async with scanner.matcher(settings, pki, **bundle.setting) as last, pool_of(settings) as pool:
        async with asyncio.timeout(60):
            while not await is_whole(settings, bundle.number):  # noqa: ASYNC110 - another task's work
                await asyncio.sleep(0.1)
        async with asyncio.timeout(60):
            # Of the Matcher's own loop, or of one that died and is not quite gone yet.
            while await pool.fetchval(_PENDING):
                await last.updates.round()
        async with asyncio.timeout(60):
            while await pool.fetchval(_LEFT) != 2:  # noqa: ASYNC110 - another task's work
                await asyncio.sleep(0.1)
        # One table of each kind: nothing of the killed loads is left over.
        assert await pool.fetchval(_LEFT) == 2
        # Each version's rows ended when the next one came, whoever wrote that down.
        begun = await pool.fetchval("SELECT count(*) FROM vuln_begun")
        ended = await pool.fetch("SELECT fixed_in, count(*) AS rows FROM vuln_ended GROUP BY fixed_in")
    assert begun == COUNT
    assert {row["rows"] for row in ended} == {COUNT}
    assert str(bundle.number) not in {row["fixed_in"] for row in ended}


async def killed_round(matcher: App, server: pg.TestServer, after: float) -> None:
    """A round during which the database dies."""
    task = asyncio.create_task(matcher.updates.round())
    await asyncio.sleep(after)
    server.kill()
    with contextlib.suppress(RoxError):
        await task
    await asyncio.to_thread(server.start)


async def test_database_killed_at_random_moments_of_a_load_keeps_one_whole_version(
    own_server: pg.TestServer, pki: Pki, bundle: Bundle
) -> None:
    chance, settings = random.Random(SEED), own_server.database()
    bundle.publish()
    async with scanner.matcher(settings, pki, **bundle.setting) as matcher:
        await scanner.loaded(matcher)
        for _ in range(KILLS):
            old = int((await version(settings))[2] or 0)
            new = bundle.publish()
            await killed_round(matcher, own_server, chance.uniform(0.3, 2.0))
            assert await is_whole(settings, old, new), f"seed {SEED}"
        async with asyncio.timeout(60):
            while not await is_whole(settings, bundle.number):
                with contextlib.suppress(RoxError):
                    await matcher.updates.round()
        assert (await matcher.updates.round()).failed == {}
        async with pool_of(settings) as pool:
            assert await pool.fetchval(_LEFT) == 2


async def test_matchers_share_the_sources_and_load_each_once(
    pg_server: pg.TestServer, pki: Pki, bundle: Bundle
) -> None:
    settings, names = pg_server.database(), ("a", "b", "c", "d")
    bundle.publish(*names)
    matchers = [
        Process("scanner_matcher", settings, pki, SCANNER_V4_MATCHER, **bundle.setting) for _ in range(2)
    ]
    async with pool_of(settings) as pool:
        with running(*matchers):
            async with asyncio.timeout(90):
                while await version(settings) != (COUNT * len(names), 1, "1"):  # noqa: ASYNC110 - other processes
                    await asyncio.sleep(0.2)
        generations = await pool.fetch("SELECT name, generation FROM vuln_source ORDER BY name")
    assert [(row["name"], row["generation"]) for row in generations] == [(name, 1) for name in names]


async def test_readers_see_one_version_while_the_next_is_loaded(
    pg_server: pg.TestServer, pki: Pki, bundle: Bundle
) -> None:
    settings = pg_server.database()
    bundle.publish()
    async with scanner.matcher(settings, pki, **bundle.setting) as matcher, pool_of(settings) as pool:
        await scanner.loaded(matcher)
        bundle.publish()
        load = asyncio.create_task(matcher.updates.round())
        seen: set[tuple[int, int, str]] = set()
        while not load.done():
            row = await pool.fetchrow(_WHOLE)
            assert row is not None
            seen.add((row["count"], row["versions"], row["version"]))
            await asyncio.sleep(0.02)
        assert (await load).loaded == ["debian"]
        row = await pool.fetchrow(_WHOLE)
    assert row is not None
    assert seen <= {(COUNT, 1, "1"), (COUNT, 1, "2")}
    assert (COUNT, 1, "1") in seen
    assert row["version"] == "2"
