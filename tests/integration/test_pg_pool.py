"""The pool, its transactions and its errors on a real server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from pyrox.clock import SystemClock
from pyrox.errors import (
    AlreadyExists,
    DeadlinePassed,
    Internal,
    Invalid,
    NotAuthorized,
    Referenced,
    Unavailable,
)
from pyrox.pg.errors import Missing, Refused
from pyrox.pg.locks import Leases, advisory
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support import pg
from tests.support.pki import FixedClock

pytestmark = pytest.mark.needs("postgres")


async def test_transaction_when_the_block_raises_is_rolled_back(pool: Pool) -> None:
    await pool.execute("CREATE TABLE rolled (n integer)")

    async def fail() -> None:
        async with pool.transaction() as tx:
            await tx.execute("INSERT INTO rolled VALUES (1)")
            raise KeyError("x")

    with pytest.raises(KeyError):
        await fail()
    assert await pool.fetchval("SELECT count(*) FROM rolled") == 0


async def test_transaction_when_the_block_ends_is_committed(pool: Pool) -> None:
    await pool.execute("CREATE TABLE kept (n integer)")
    async with pool.transaction() as tx:
        assert await tx.execute("INSERT INTO kept VALUES (1), (2)") == 2
        await tx.copy_rows("kept", ["n"], [(3,), (4,)])
    assert [row["n"] for row in await pool.fetch("SELECT n FROM kept ORDER BY n")] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT 1/0", Internal),
        ("SELECT nothing FROM nowhere", Internal),
        ("SELECT 'a' ~* '('", Invalid),
        ("INSERT INTO twice VALUES (1), (1)", AlreadyExists),
        ("INSERT INTO child VALUES (5)", Referenced),
    ],
)
async def test_failed_statement_becomes_our_error(pool: Pool, sql: str, kind: type[Exception]) -> None:
    await pool.execute("CREATE TABLE IF NOT EXISTS twice (n integer PRIMARY KEY)")
    await pool.execute("CREATE TABLE IF NOT EXISTS child (n integer REFERENCES twice)")
    with pytest.raises(kind) as caught:
        await pool.fetch(sql)
    assert "nowhere" not in str(caught.value)
    if kind is Internal:
        assert str(caught.value) == "Database operation failed"


async def test_statement_past_its_time_is_deadline_passed(database: Settings) -> None:
    slow = Pool(settings=replace(database, statement_seconds=0.2), clock=SystemClock())
    await slow.connect()
    try:
        with pytest.raises(DeadlinePassed):
            await slow.fetch("SELECT pg_sleep(20)")
    finally:
        await slow.close()


async def test_connect_without_server_is_unavailable() -> None:
    lost = Pool(settings=Settings(database="x", user="x", port=pg.free_port()), clock=SystemClock())
    with pytest.raises(Unavailable):
        await lost.connect()


async def test_connect_with_wrong_password_is_no_endless_retry(database: Settings) -> None:
    wrong = Pool(settings=replace(database, password="wrong"), clock=SystemClock())
    with pytest.raises(Refused, match=r"at .*: password authentication failed"):
        await wrong.connect(attempts=None)


async def test_connect_makes_a_database_that_is_missing_when_told_to(pg_server: pg.TestServer) -> None:
    settings = replace(pg_server.admin, database="Central active")
    with pytest.raises(Missing, match=r"database 'Central active' at .* does not exist"):
        await Pool(settings=settings, clock=SystemClock()).connect()
    pools = [Pool(settings=settings, clock=SystemClock()) for _ in range(3)]
    try:
        await asyncio.gather(*(pool.connect(attempts=60, create=True) for pool in pools))
        assert [await pool.fetchval("SELECT current_database()") for pool in pools] == ["Central active"] * 3
        assert await pools[0].fetchval("SHOW server_encoding") == "UTF8"
    finally:
        for pool in pools:
            await pool.close()


async def test_connect_that_may_not_make_the_database_says_what_to_do(database: Settings) -> None:
    poor = Pool(settings=replace(database, database="not_there"), clock=SystemClock())
    with pytest.raises(
        NotAuthorized, match=r"'not_there' is missing and .* may not create it: create it, or"
    ):
        await poor.connect(attempts=60, create=True)


async def test_connect_gives_up_after_so_many_attempts_and_says_where(database: Settings) -> None:
    clock = FixedClock()
    lost = Pool(settings=Settings(database="x", user="x", port=pg.free_port()), clock=clock)
    with pytest.raises(Unavailable, match=r"database 'x' at 127.0.0.1:\d+: .*Connect call failed"):
        await lost.connect(attempts=60)
    assert len(clock.slept) == 59
    assert clock.slept[-1] == 5.0


async def test_pool_behind_pgbouncer_sends_no_startup_settings(database: Settings) -> None:
    plain = Pool(settings=replace(database, pgbouncer=True), clock=SystemClock())
    await plain.connect()
    try:
        assert await plain.fetchval("SHOW statement_timeout") == "0"
        assert await plain.fetchval("SELECT $1::jsonb", {"a": [1]}) == {"a": [1]}
    finally:
        await plain.close()


async def test_advisory_lock_has_one_holder(pool: Pool) -> None:
    async with (
        advisory(pool, "job") as first,
        advisory(pool, "job") as second,
        advisory(pool, "other") as third,
    ):
        assert (first, second, third) == (True, False, True)
    async with advisory(pool, "job") as again:
        assert again


async def test_lease_is_exclusive_until_it_ends_or_is_stolen(pool: Pool) -> None:
    await pool.execute(
        "CREATE TABLE leases (name text PRIMARY KEY, holder text NOT NULL, expires timestamptz NOT NULL)"
    )
    one, two = Leases(pool=pool, holder="one"), Leases(pool=pool, holder="two")
    minute = timedelta(minutes=1)
    taken = await asyncio.gather(one.take("sensor", minute), two.take("sensor", minute))
    assert sorted(taken) == [False, True]
    winner, loser = (one, two) if taken[0] else (two, one)
    assert await winner.take("sensor", minute)
    assert not await loser.release("sensor")
    await loser.steal("sensor", timedelta(seconds=-1))
    assert await one.holder("sensor") is None
    assert await winner.take("sensor", minute)


@pytest.mark.timeout(110)
async def test_pool_after_kill_of_the_server_works_again(
    pg_server: pg.TestServer, database: Settings
) -> None:
    pool = Pool(settings=database, clock=SystemClock())
    await pool.connect()
    try:
        await pool.execute("CREATE TABLE survives (n integer)")
        await pool.execute("INSERT INTO survives VALUES (7)")
        await asyncio.to_thread(pg_server.kill)
        with pytest.raises(Unavailable):
            await pool.fetchval("SELECT n FROM survives")
        await asyncio.to_thread(pg_server.start)
        assert await pool.fetchval("SELECT n FROM survives") == 7
    finally:
        await pool.close()
