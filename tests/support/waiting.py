"""Waiting in tests for something that another task brings about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], *, seconds: float = 90.0) -> None:
    """Return as soon as the condition holds; `TimeoutError` when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition is any expression
            await asyncio.sleep(0.005)
