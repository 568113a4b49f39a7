"""Slots for layers in work: so many in all, and only a part of them for one registry.

Used by `states`. A registry that sends slowly then delays its own images, not those of
others. It must not know what is done in a slot.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass
class _Lane:
    """The slots of one registry, while somebody has or wants one."""

    free: asyncio.Semaphore
    users: int = 0


class Slots:
    """Who wants a slot waits in the order of asking, first among those of the same registry."""

    def __init__(self, *, total: int, of_one_registry: int) -> None:
        self._free = asyncio.Semaphore(total)
        self._of_one = of_one_registry
        self._lanes: dict[str, _Lane] = {}

    @property
    def registries(self) -> frozenset[str]:
        """The registries of which a slot is held or waited for; others are not remembered."""
        return frozenset(self._lanes)

    @asynccontextmanager
    async def held(self, registry: str) -> AsyncIterator[None]:
        """Hold a slot for a layer of this registry (`host[:port]`, in any case)."""
        name = registry.lower()
        lane = self._lanes.setdefault(name, _Lane(asyncio.Semaphore(self._of_one)))
        lane.users += 1
        try:
            # The registry's own first: its queue may be long, and the common one must not hold it.
            async with lane.free, self._free:
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[name]
