"""Garbage collection: expired reports and the layers that only they needed.

A component of the Indexer. Several Indexers take turns: who does not get the lock waits
for the next round.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.pg.locks import advisory
from pyrox.pg.pool import Pool
from services.scanner_indexer.store import IndexStore

_LOG = log.get(__name__)
# Upstream's name of the lock.
LOCK = "manifest-garbage-collection"
# Upstream shifts each round by -10 to +10 minutes in steps of five.
_JITTER_MINUTES = (-10, -5, 0, 5, 10)


class Upkeep:
    """Deletes in small batches until a round finds nothing more."""

    def __init__(
        self, *, store: IndexStore, pool: Pool, clock: Clock, random: Random, interval: timedelta
    ) -> None:
        self._store = store
        self._pool = pool
        self._clock = clock
        self._random = random
        self._interval = interval

    async def work(self) -> None:
        """Run a round now and then, for ever; a failed one is logged and tried again later."""
        while True:
            try:
                await self.round()
            except RoxError as error:
                _LOG.warning("garbage collection failed", error=error.message)
            pause = self._interval + timedelta(minutes=self._random.choice(_JITTER_MINUTES))
            await self._clock.sleep(pause.total_seconds())

    async def round(self) -> int:
        """Delete all that is due; how many rows that were."""
        total = 0
        async with advisory(self._pool, LOCK) as ours:
            while ours:
                deleted = await self._store.collect_garbage()
                count = deleted.reports + deleted.external + deleted.layers
                if not count:
                    break
                total += count
        if total:
            _LOG.info("garbage collected", rows=total)
        return total
