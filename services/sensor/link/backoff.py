"""Pauses between attempts to reach Central. Pure; used by the link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

# The library that upstream uses grows by half and spreads by half either way.
_GROWTH, _SPREAD = 1.5, 0.5


@dataclass(slots=True)
class Backoff:
    """Growing pauses with jitter and a ceiling; never gives up."""

    initial: timedelta
    longest: timedelta
    random: Callable[[], float]
    """Numbers from 0 to 1."""
    _current: float = 0.0

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        base = self._current or self.initial.total_seconds()
        self._current = min(base * _GROWTH, self.longest.total_seconds())
        return base * (1 - _SPREAD + 2 * _SPREAD * self.random())

    def reset(self) -> None:
        """An attempt was successful."""
        self._current = 0.0
