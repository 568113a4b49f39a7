from __future__ import annotations

import asyncio

from services.config_controller.agenda import Agenda
from tests.support.pki import FixedClock


async def test_name_that_is_due_comes_at_once_and_only_once() -> None:
    agenda = Agenda(clock=FixedClock())
    agenda.soon("a")
    agenda.soon("a")
    assert await agenda.next() == "a"
    assert len(agenda) == 0


async def test_names_come_when_they_are_due_the_earliest_first() -> None:
    clock = FixedClock()
    agenda = Agenda(clock=clock)
    agenda.later("late", 60)
    agenda.later("soon", 10)
    before = clock.monotonic()
    assert [await agenda.next(), await agenda.next()] == ["soon", "late"]
    assert clock.monotonic() - before == 60


async def test_later_moment_does_not_replace_an_earlier_one() -> None:
    clock = FixedClock()
    agenda = Agenda(clock=clock)
    agenda.later("a", 10)
    agenda.later("a", 60)
    before = clock.monotonic()
    await agenda.next()
    assert clock.monotonic() - before == 10


async def test_name_that_is_added_ends_the_wait() -> None:
    agenda = Agenda(clock=FixedClock())
    waiting = asyncio.create_task(agenda.next())
    await asyncio.sleep(0)
    agenda.soon("a")
    assert await waiting == "a"


async def test_wait_that_is_cancelled_leaves_no_task() -> None:
    agenda = Agenda(clock=FixedClock())
    waiting = asyncio.create_task(agenda.next())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
