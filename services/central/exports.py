"""Streams of whole objects for `/v1/export/*`: one database state, within the time that is given.

Servicers of exports use it. It must not know what is exported.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from pyrox.clock import Clock
from pyrox.errors import DeadlinePassed, Invalid
from pyrox.pg.pool import Database, Pool

T = TypeVar("T")
# A transaction holds a connection as long as its reader takes; the rest of the pool
# stays for everybody else.
AT_A_TIME = 5


class Exports:
    """Runs exports, a few at a time; further ones wait for their turn."""

    def __init__(self, *, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_A_TIME)

    async def stream(
        self, walk: Callable[[Database], AsyncIterator[list[T]]], *, seconds: int
    ) -> AsyncIterator[T]:
        """The objects of all slices, read in one transaction; 0 seconds mean no limit.

        Raises `DeadlinePassed` between two objects once the time is over.
        """
        if seconds < 0:
            raise Invalid.because(f"the timeout of an export must not be negative, got {seconds}")
        end = self._clock.monotonic() + seconds if seconds else None
        async with (
            self._turns,
            self._pool.transaction(isolation="repeatable_read", readonly=True) as tx,
        ):
            async for objects in walk(tx):
                for found in objects:
                    if end is not None and self._clock.monotonic() > end:
                        raise DeadlinePassed(
                            f"the export did not end within {seconds} seconds; narrow its query"
                        )
                    yield found
