"""Migrations and notices on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pyrox.clock import SystemClock
from pyrox.errors import DeadlinePassed, Internal
from pyrox.pg.migrate import MigrationError, Migrator
from pyrox.pg.notify import Listener, post, prune
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support import pg

pytestmark = pytest.mark.needs("postgres")
_OTHERS = "FROM pg_stat_activity WHERE usename = current_user AND query LIKE 'LISTEN%'"
_LISTENING = f"SELECT count(*) {_OTHERS}"
_END_LISTENING = f"SELECT count(pg_terminate_backend(pid)) {_OTHERS}"


def migrator(pool: Pool, folder: Path, table: str) -> Migrator:
    return Migrator(pool=pool, directory=folder, versions_table=table)


async def test_migrations_are_applied_once_and_in_order(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE m (n integer); INSERT INTO m VALUES (1);")
    assert await migrator(pool, tmp_path, "v_once").run() == 1
    (tmp_path / "0002_b.sql").write_text("UPDATE m SET n = n + 1")
    assert await migrator(pool, tmp_path, "v_once").run() == 1
    assert await migrator(pool, tmp_path, "v_once").run() == 0
    assert await pool.fetchval("SELECT n FROM m") == 2


async def test_concurrent_migrators_apply_each_file_once(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE c (n integer)")
    (tmp_path / "0002_b.sql").write_text("INSERT INTO c VALUES (1)")
    counts = await asyncio.gather(*(migrator(pool, tmp_path, "v_many").run() for _ in range(4)))
    assert sum(counts) == 2
    assert await pool.fetchval("SELECT count(*) FROM c") == 1


async def test_failing_file_leaves_nothing_behind(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE half (n integer); SELECT 1/0;")
    with pytest.raises(Internal):
        await migrator(pool, tmp_path, "v_fail").run()
    assert await pool.fetchval("SELECT to_regclass('half')") is None
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE half (n integer)")
    assert await migrator(pool, tmp_path, "v_fail").run() == 1


async def test_changed_file_is_refused(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("SELECT 1")
    await migrator(pool, tmp_path, "v_changed").run()
    (tmp_path / "0001_a.sql").write_text("SELECT 2")
    with pytest.raises(MigrationError, match=r"0001_a\.sql was changed"):
        await migrator(pool, tmp_path, "v_changed").run()


async def test_database_newer_than_the_code_is_refused(pool: Pool, tmp_path: Path) -> None:
    for name in ("0001_a.sql", "0002_b.sql"):
        (tmp_path / name).write_text("SELECT 1")
    await migrator(pool, tmp_path, "v_newer").run()
    (tmp_path / "0002_b.sql").unlink()
    with pytest.raises(MigrationError, match="version 2, this program knows 1"):
        await migrator(pool, tmp_path, "v_newer").run()


async def test_slow_statement_is_stopped_unless_the_file_allows_it(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("-- timeouts: lock=4s statement=50ms\nSELECT pg_sleep(5)")
    with pytest.raises(DeadlinePassed):
        await migrator(pool, tmp_path, "v_slow").run()


def test_versions_table_must_be_a_plain_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no plain name"):
        Migrator(
            pool=Pool(settings=Settings("d", "u"), clock=SystemClock()),
            directory=tmp_path,
            versions_table="a;b",
        )


class Heard:
    """Collects what a listener hands on."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.changed = asyncio.Event()

    async def take(self, ids: Sequence[str]) -> None:
        self.ids.extend(ids)
        self.changed.set()

    async def until(self, count: int) -> None:
        while len(self.ids) < count:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), timeout=30)


@pytest.mark.parametrize("pgbouncer", [False, True], ids=["listen", "poll"])
async def test_posted_ids_arrive_once_after_commit(central_database: Settings, *, pgbouncer: bool) -> None:
    pool = Pool(settings=replace(central_database, pgbouncer=pgbouncer), clock=SystemClock())
    await pool.connect()
    await post(pool, "policies", ["before"])
    heard, ready = Heard(), asyncio.Event()
    # With LISTEN the poll is slow, so that only the notification can be in time.
    seconds = 0.05 if pgbouncer else 20.0
    listener = Listener(
        pool=pool, clock=SystemClock(), callbacks={"policies": heard.take}, poll_seconds=seconds
    )
    task = asyncio.create_task(listener.run(ready.set))
    try:
        await asyncio.wait_for(ready.wait(), timeout=30)
        async with pool.transaction() as tx:
            await post(tx, "policies", ["a", "b", "a"])
            await post(tx, "other", ["x"])
            await post(pool, "policies", ["first"])
            await heard.until(1)
        await heard.until(3)
        assert heard.ids == ["first", "a", "b"]
        assert await prune(pool) == 0
    finally:
        task.cancel()
        await asyncio.wait({task})
        await pool.close()


async def test_listener_can_be_stopped_after_the_server_ended_its_connection(
    central_database: Settings,
) -> None:
    pool = Pool(settings=central_database, clock=SystemClock())
    await pool.connect()
    ready = asyncio.Event()
    # An hour between polls: it sits in its wait when the connection ends.
    listener = Listener(pool=pool, clock=SystemClock(), callbacks={}, poll_seconds=3600)
    task = asyncio.create_task(listener.run(ready.set))
    try:
        await asyncio.wait_for(ready.wait(), timeout=30)
        while not await pool.fetchval(_LISTENING):  # noqa: ASYNC110 - the server tells no one
            await asyncio.sleep(0.01)
        assert await pool.fetchval(_END_LISTENING) == 1
        while await pool.fetchval(_LISTENING):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=60)
        assert done == {task}
        assert task.cancelled()
    finally:
        task.cancel()
        await asyncio.wait({task})
        await pool.close()


@pytest.mark.timeout(110)
async def test_listener_survives_a_crash_of_the_server(
    pg_server: pg.TestServer, central_database: Settings
) -> None:
    pool = Pool(settings=central_database, clock=SystemClock())
    await pool.connect()
    heard, ready = Heard(), asyncio.Event()
    listener = Listener(pool=pool, clock=SystemClock(), callbacks={"c": heard.take}, poll_seconds=0.05)
    task = asyncio.create_task(listener.run(ready.set))
    try:
        await asyncio.wait_for(ready.wait(), timeout=30)
        await asyncio.to_thread(pg_server.kill)
        await asyncio.to_thread(pg_server.start)
        await post(pool, "c", ["after"])
        await heard.until(1)
        assert heard.ids == ["after"]
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait({task})
        await pool.close()
