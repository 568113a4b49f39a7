"""The machine's clock keeps what the interface promises."""

from __future__ import annotations

import asyncio
from datetime import UTC, timedelta

from pyrox.clock import SystemClock


def test_now_is_aware_and_in_utc() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert now.utcoffset() == timedelta(0)


def test_monotonic_never_goes_back() -> None:
    clock = SystemClock()
    seen = [clock.monotonic() for _ in range(1000)]
    assert seen == sorted(seen)


async def test_sleep_gives_way_to_other_tasks() -> None:
    order: list[str] = []

    async def other() -> None:
        order.append("other")

    task = asyncio.create_task(other())
    await SystemClock().sleep(0)
    order.append("sleeper")
    await task
    assert order == ["other", "sleeper"]
