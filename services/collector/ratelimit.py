"""How many equal processes are reported. Pure; used by the watch.

Numbers are upstream's (`collector/lib/RateLimit.cpp`, `ProcessSignalHandler.cpp`).
"""

from __future__ import annotations

from services.collector.events import Execution

_BURST = 10
_REFILL_SECONDS = 30 * 60.0
_KEYS = 4096
# Long argument lists that differ only behind this share one allowance.
_KEY_ARGUMENTS = 256


class RateLimit:
    """Lets ten equal processes through in each half hour."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str, str], tuple[float, int]] = {}
        self.flushes = 0
        """How often too many different processes made it forget all."""

    def __len__(self) -> int:
        return len(self._known)

    def allow(self, execution: Execution, now: float) -> bool:
        """Whether this one is to be reported; `now` in seconds of a monotonic clock."""
        key = (
            execution.container,
            execution.name,
            execution.arguments[:_KEY_ARGUMENTS],
            execution.path,
        )
        since, used = self._known.get(key, (now, 0))
        if now - since >= _REFILL_SECONDS:
            since, used = now, 0
        if used >= _BURST:
            return False
        if used == 0 and len(self._known) >= _KEYS and key not in self._known:
            self._known.clear()
            self.flushes += 1
        self._known[key] = (since, used + 1)
        return True
