"""Streams of whole objects for `/v1/export/*`: one by one, within the time that the caller gives.

Servicers of exports use it. It must not know what is exported.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from pyrox.clock import Clock
from pyrox.errors import DeadlinePassed, Invalid

T = TypeVar("T")


async def one_by_one(slices: AsyncIterator[list[T]], *, seconds: int, clock: Clock) -> AsyncIterator[T]:
    """The objects of all slices; no more than so many of them; 0 means unlimited.

    Raises `DeadlinePassed` between two objects once the time is over.
    """
    if seconds < 0:
        raise Invalid.because(f"the timeout of an export must not be negative, got {seconds}")
    end = clock.monotonic() + seconds if seconds else None
    async for objects in slices:
        for found in objects:
            if end is not None and clock.monotonic() > end:
                raise DeadlinePassed(f"the export did not end within {seconds} seconds; narrow its query")
            yield found
