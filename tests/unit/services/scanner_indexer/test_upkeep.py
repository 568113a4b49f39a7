"""Garbage collection: rounds until nothing is left, turns with others, pauses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any, cast

import pytest

from pyrox.errors import RoxError, Unavailable
from pyrox.pg.locks import advisory_key
from pyrox.pg.pool import Pool
from services.scanner_indexer.store import Deleted, IndexStore
from services.scanner_indexer.upkeep import LOCK, Upkeep
from tests.support.pki import FixedClock

NOTHING = Deleted(0, 0, 0)


class Database:
    """The lock, and batches to delete."""

    def __init__(self, *batches: Deleted | RoxError, free: bool = True) -> None:
        self._batches = list(batches)
        self._free = free
        self.asked: list[object] = []
        self.rounds = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        yield self

    async def fetchval(self, sql: str, key: int) -> bool:
        assert "pg_try_advisory_xact_lock" in sql
        self.asked.append(key)
        return self._free

    async def collect_garbage(self) -> Deleted:
        self.rounds += 1
        batch = self._batches.pop(0) if self._batches else NOTHING
        if isinstance(batch, RoxError):
            raise batch
        return batch


class Stop(Exception):
    """Ends the loop of a test."""


class Bounded(FixedClock):
    def __init__(self, sleeps: int) -> None:
        super().__init__()
        self._left = sleeps

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self._left -= 1
        if not self._left:
            raise Stop


def upkeep(database: Database, clock: FixedClock | None = None) -> Upkeep:
    return Upkeep(
        store=cast("IndexStore", database),
        pool=cast("Pool", database),
        clock=clock or FixedClock(),
        random=Random(1),
        interval=timedelta(hours=4),
    )


async def test_round_deletes_batch_after_batch_until_nothing_is_due() -> None:
    database = Database(Deleted(100, 0, 0), Deleted(5, 2, 0), Deleted(0, 0, 1))
    assert await upkeep(database).round() == 108
    assert database.rounds == 4
    assert database.asked == [advisory_key("manifest-garbage-collection")] == [advisory_key(LOCK)]


async def test_round_of_another_indexer_is_left_to_it() -> None:
    database = Database(Deleted(100, 0, 0), free=False)
    assert await upkeep(database).round() == 0
    assert database.rounds == 0


async def test_work_goes_on_after_a_failure_with_upstreams_pauses() -> None:
    database = Database(Unavailable("the database is away"), NOTHING)
    clock = Bounded(60)
    with pytest.raises(Stop):
        await upkeep(database, clock).work()
    assert database.rounds == 60
    assert {seconds / 60 for seconds in clock.slept} == {230, 235, 240, 245, 250}
