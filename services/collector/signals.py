"""Between kernel and stream: the rate limit and the bounded queue of executions.

The watch offers, the stream takes; offering never waits, so that the ring buffer is
always read. It must not know either of them.
"""

from __future__ import annotations

from pyrox.clock import Clock
from pyrox.service import BoundedQueue
from services.collector.events import Execution
from services.collector.ratelimit import RateLimit
from services.collector.stats import Stats


class Signals:
    """What waits for Sensor."""

    def __init__(
        self, *, queue: BoundedQueue[Execution], limit: RateLimit, stats: Stats, clock: Clock
    ) -> None:
        self._queue = queue
        self._limit = limit
        self._stats = stats
        self._clock = clock

    def __len__(self) -> int:
        return len(self._queue)

    def offer(self, execution: Execution) -> None:
        """Keep it for Sensor, or drop and count it."""
        if not self._limit.allow(execution, self._clock.monotonic()):
            self._stats.rate_limited += 1
        elif not self._queue.offer(execution):
            self._stats.send_failures += 1

    async def take(self) -> Execution:
        """The oldest, waiting for one."""
        return await self._queue.get()
