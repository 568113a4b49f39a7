"""Pauses between attempts to reach Sensor. Used by the stream and the sender of alerts."""

from __future__ import annotations

from collections.abc import Callable

from pyrox import log
from pyrox.clock import Clock

_LOG = log.get(__name__)
# Upstream sensor/admission-control/common/backoff.go: 10 s to 1 min, growing by half,
# spread by half either way.
_FIRST, _LONGEST, _GROWTH, _SPREAD = 10.0, 60.0, 1.5, 0.5


class Pauses:
    """Growing pauses with jitter and a ceiling; never gives up."""

    def __init__(self, *, clock: Clock, random: Callable[[], float]) -> None:
        """`random` gives numbers from 0 to 1."""
        self._clock = clock
        self._random = random
        self._base = _FIRST

    async def wait(self, what: str, reason: str) -> None:
        """Say what failed, then pause."""
        seconds = self._base * (1 - _SPREAD + 2 * _SPREAD * self._random())
        self._base = min(self._base * _GROWTH, _LONGEST)
        _LOG.warning("Sensor is not reached", what=what, reason=reason, retry_seconds=round(seconds, 1))
        await self._clock.sleep(seconds)

    def reset(self) -> None:
        """An attempt was successful."""
        self._base = _FIRST
