"""Between kernel and stream: the rate limit and the bounded queue of executions.

The watch offers, the stream takes; offering never waits, so that the ring buffer is
always read. It must not know either of them.
"""

from __future__ import annotations

from collections import Counter

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
        self._waiting: Counter[tuple[str, int, str]] = Counter()

    def __len__(self) -> int:
        return len(self._queue)

    def offer(self, execution: Execution) -> None:
        """Keep it for Sensor, or drop and count it."""
        if not self._limit.allow(execution, self._clock.monotonic()):
            self._stats.rate_limited += 1
        elif self._queue.offer(execution):
            self._waiting[_key(execution)] += 1
        else:
            self._stats.send_failures += 1

    def holds(self, execution: Execution) -> bool:
        """Whether the start of this process waits here, so that it need not be told as running already."""
        return _key(execution) in self._waiting

    async def take(self) -> Execution:
        """The oldest, waiting for one."""
        execution = await self._queue.get()
        key = _key(execution)
        self._waiting[key] -= 1
        if not self._waiting[key]:
            del self._waiting[key]
        return execution


def _key(execution: Execution) -> tuple[str, int, str]:
    return execution.container, execution.pid, execution.path
