"""The component that owns what the Indexer keeps outside the database: files and workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pyrox.workers import Workers
from services.scanner_indexer.fetch import Arena


class Scratch:
    """Opens the arena before anything is served, and ends the workers after."""

    name = "scratch"

    def __init__(self, *, arena: Arena, workers: Workers) -> None:
        self._arena = arena
        self._workers = workers

    async def run(self, ready: Callable[[], None]) -> None:
        """Hold both until cancelled."""
        self._arena.open()
        ready()
        try:
            await asyncio.Event().wait()
        finally:
            self._workers.close()
            self._arena.close()
