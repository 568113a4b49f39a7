"""The pace of updates."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from services.scanner_matcher.updates import Pace


class Clock:
    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_pace_is_upstreams_after_the_first_load_and_faster_before() -> None:
    clock = Clock()
    pace = Pace(clock=clock, random=Random(1))
    for _ in range(7):
        await pace.wait(initialised=False)
    assert clock.slept == [10, 20, 40, 80, 160, 300, 300]
    clock.slept.clear()
    for _ in range(50):
        await pace.wait(initialised=True)
    assert set(clock.slept) == {600, 900, 1200, 1500}
