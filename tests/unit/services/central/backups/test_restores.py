"""One restore at a time, and the restart after a good one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pyrox.errors import Unavailable, Unimplemented
from pyrox.pb.api.v1 import db_service_pb2 as pb
from services.central.backups.errors import Refused
from services.central.backups.restart import Restart
from services.central.backups.restores import Restores
from tests.support.pki import FixedClock
from tests.unit.services.central.backups.test_process import DATA, Body, Target, header


class Choice:
    """Chooses a target that tests know, or fails to."""

    def __init__(self, target: Target, problem: Exception | None = None) -> None:
        self.target = target
        self.problem = problem

    async def choose(self) -> Target:
        if self.problem is not None:
            raise self.problem
        return self.target


@asynccontextmanager
async def running(choice: Choice) -> AsyncIterator[tuple[Restores, Restart, FixedClock]]:
    clock, restart = FixedClock(), Restart(stop=lambda: None)
    restores = Restores(targets=choice, restart=restart, clock=clock)  # type: ignore[arg-type]  # a choice of tests
    ready = asyncio.Event()
    task = asyncio.create_task(restores.run(ready.set))
    await ready.wait()
    try:
        yield restores, restart, clock
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_good_restore_restarts_central_after_a_moment() -> None:
    async with running(Choice(Target())) as (restores, restart, clock):
        process = await restores.launch("p1", header(), "admin")
        assert restores.active is process
        await process.begin(aiter(Body(DATA)))
        async with asyncio.timeout(5):
            while not restart.wanted:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0)
        assert clock.slept == [1.0]
        assert restores.active is process


async def test_failed_restore_makes_room_for_the_next() -> None:
    async with running(Choice(Target(fails="load"))) as (restores, restart, _):
        first = await restores.launch("p1", header(), "admin")
        with pytest.raises(Refused, match="an active restore process currently exists; cancel it"):
            await restores.launch("p2", header(), "admin")
        with pytest.raises(Refused, match="no load"):
            await first.begin(aiter(Body(DATA)))
        async with asyncio.timeout(5):
            while restores.active is not None:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0)
        assert not restart.wanted
        assert (await restores.launch("p3", header(), "admin")).id == "p3"


async def test_missing_programs_are_told_before_anything_is_sent() -> None:
    async with running(Choice(Target(), Unimplemented("install it"))) as (restores, _, __):
        with pytest.raises(Unimplemented, match="install it"):
            await restores.launch("p1", header(), "admin")
        assert restores.active is None


async def test_what_is_no_backup_is_refused_before_anything_is_sent() -> None:
    async with running(Choice(Target())) as (restores, _, __):
        with pytest.raises(Refused, match="invalid DB restore format"):
            await restores.launch("p1", pb.DBRestoreRequestHeader(), "admin")
        assert restores.active is None


async def test_central_that_is_not_ready_takes_no_restore() -> None:
    restores = Restores(targets=Choice(Target()), restart=Restart(), clock=FixedClock())  # type: ignore[arg-type]  # a choice of tests
    with pytest.raises(Unavailable):
        await restores.launch("p1", header(), "admin")


async def test_only_the_active_restore_is_found_by_its_id() -> None:
    async with running(Choice(Target())) as (restores, _, __):
        with pytest.raises(Refused, match="no restore process is currently in progress"):
            restores.required("p1")
        process = await restores.launch("p1", header(), "admin")
        assert restores.required("p1") is process
        with pytest.raises(Refused, match='provided ID "p2" does not match ID p1'):
            restores.required("p2")


async def test_end_of_central_undoes_a_restore_that_is_going_on() -> None:
    target = Target()
    async with running(Choice(target)) as (restores, restart, _):
        await restores.launch("p1", header(), "admin")
        await asyncio.sleep(0)
    assert target.seen == ["abandon"]
    assert not restart.wanted
