"""Exports end in time, one object after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pyrox.errors import DeadlinePassed, Invalid
from services.central.exports import one_by_one
from tests.support.pki import FixedClock


async def slices(clock: FixedClock, seconds: float = 0.0) -> AsyncIterator[list[int]]:
    for part in ([1, 2], [], [3]):
        await clock.sleep(seconds)
        yield part


async def test_export_without_limit_gives_everything() -> None:
    clock = FixedClock()
    assert [n async for n in one_by_one(slices(clock, 3600), seconds=0, clock=clock)] == [1, 2, 3]


async def test_export_ends_when_its_time_is_over() -> None:
    clock = FixedClock()
    numbers = one_by_one(slices(clock, 2), seconds=5, clock=clock)
    assert [await anext(numbers), await anext(numbers)] == [1, 2]
    with pytest.raises(DeadlinePassed, match="within 5 seconds"):
        await anext(numbers)


async def test_export_with_negative_time_is_refused() -> None:
    clock = FixedClock()
    with pytest.raises(Invalid, match="must not be negative"):
        [n async for n in one_by_one(slices(clock), seconds=-1, clock=clock)]
