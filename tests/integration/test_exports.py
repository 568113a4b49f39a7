"""Exports show one state of the database, end in time, and leave connections to others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pyrox.errors import DeadlinePassed, Invalid
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.deployments.store import DeploymentStore
from services.central.exports import AT_A_TIME, Exports
from tests.support.fleet import BLUE, RED, Fleet
from tests.support.pki import FixedClock

pytestmark = pytest.mark.needs("postgres")


async def test_export_does_not_see_what_is_written_meanwhile(central_pool: Pool) -> None:
    fleet = Fleet(central_pool, (RED, BLUE))
    await fleet.clear()
    await fleet.write()
    store = DeploymentStore(pool=central_pool)

    async def walk(tx: Database) -> AsyncIterator[list[Deployment]]:
        async for found in store.walk("", scope=EVERYTHING, tx=tx):
            yield found
        await central_pool.execute("DELETE FROM deployments")
        async for found in store.walk("", scope=EVERYTHING, tx=tx):
            yield found

    exports = Exports(pool=central_pool, clock=FixedClock())
    names = [found.name async for found in exports.stream(walk, seconds=0)]
    assert sorted(names) == ["blue-web", "blue-web", "red-web", "red-web"]
    assert await central_pool.fetchval("SELECT count(*) FROM deployments") == 0


async def numbers(clock: FixedClock, seconds: float) -> AsyncIterator[list[int]]:
    for part in ([1, 2], [], [3]):
        await clock.sleep(seconds)
        yield part


async def test_export_without_limit_gives_everything(central_pool: Pool) -> None:
    clock = FixedClock()
    stream = Exports(pool=central_pool, clock=clock).stream(lambda _: numbers(clock, 3600), seconds=0)
    assert [number async for number in stream] == [1, 2, 3]


async def test_export_ends_when_its_time_is_over(central_pool: Pool) -> None:
    clock = FixedClock()
    stream = Exports(pool=central_pool, clock=clock).stream(lambda _: numbers(clock, 2), seconds=5)
    assert [await anext(stream), await anext(stream)] == [1, 2]
    with pytest.raises(DeadlinePassed, match="within 5 seconds"):
        await anext(stream)


async def test_export_with_negative_time_is_refused(central_pool: Pool) -> None:
    clock = FixedClock()
    stream = Exports(pool=central_pool, clock=clock).stream(lambda _: numbers(clock, 0), seconds=-1)
    with pytest.raises(Invalid, match="must not be negative"):
        await anext(stream)


async def test_abandoned_exports_give_their_turn_back(central_pool: Pool) -> None:
    clock = FixedClock()
    exports = Exports(pool=central_pool, clock=clock)
    for _ in range(2 * AT_A_TIME):
        stream = exports.stream(lambda _: numbers(clock, 0), seconds=0)
        assert await anext(stream) == 1
        await stream.aclose()  # type: ignore[attr-defined]  # a generator
