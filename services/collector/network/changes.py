"""What changed since Sensor was told last; pure.

A connection that is gone counts as open for a while, so that short ones to the same place
do not come and go (upstream's afterglow).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K")
# Upstream ROX_AFTERGLOW_PERIOD.
AFTERGLOW = timedelta(seconds=300)


class Changes(Generic[K]):
    """What one stream was told."""

    def __init__(self, *, afterglow: timedelta) -> None:
        self._afterglow = afterglow
        self._seen: dict[K, datetime] = {}

    def update(self, current: Collection[K], now: datetime) -> tuple[list[K], dict[K, datetime]]:
        """What is new, and what ended with the time at which it was last seen."""
        fresh = [key for key in current if key not in self._seen]
        self._seen.update(dict.fromkeys(current, now))
        ended = {
            key: seen for key, seen in self._seen.items() if seen <= now - self._afterglow and seen < now
        }
        for key in ended:
            del self._seen[key]
        return fresh, ended
