"""Pauses between attempts."""

from __future__ import annotations

from services.admission.backoff import Pauses
from tests.support.pki import FixedClock


async def test_pauses_grow_by_half_up_to_a_minute_and_start_anew_after_success() -> None:
    clock = FixedClock()
    pauses = Pauses(clock=clock, random=lambda: 0.5)
    for _ in range(7):
        await pauses.wait("x", "y")
    assert clock.slept == [10.0, 15.0, 22.5, 33.75, 50.625, 60.0, 60.0]
    pauses.reset()
    await pauses.wait("x", "y")
    assert clock.slept[-1] == 10.0


async def test_pauses_are_spread_by_half_either_way() -> None:
    clock = FixedClock()
    await Pauses(clock=clock, random=lambda: 0.0).wait("x", "y")
    await Pauses(clock=clock, random=lambda: 1.0).wait("x", "y")
    assert clock.slept == [5.0, 15.0]
