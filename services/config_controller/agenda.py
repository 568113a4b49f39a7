"""Which resource is due when. The controller fills and empties it; it knows names only."""

from __future__ import annotations

import asyncio

from pyrox.clock import Clock


class Agenda:
    """Names with the moment at which each is due; a name is in it once."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[str, float] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    def soon(self, name: str) -> None:
        """The name is due now."""
        self.later(name, 0.0)

    def later(self, name: str, seconds: float) -> None:
        """The name is due in so many seconds, or before that if it already was to be."""
        due = self._clock.monotonic() + seconds
        self._due[name] = min(due, self._due.get(name, due))
        self._changed.set()

    async def next(self) -> str:
        """Wait until a name is due, take it out and return it."""
        while True:
            self._changed.clear()
            pause = None
            if self._due:
                name = min(self._due, key=lambda one: self._due[one])
                pause = self._due[name] - self._clock.monotonic()
                if pause <= 0:
                    del self._due[name]
                    return name
            await self._wait(pause)

    async def _wait(self, pause: float | None) -> None:
        """Until the agenda changes, and no longer than the pause."""
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(self._changed.wait())]
        if pause is not None:
            waits.append(asyncio.ensure_future(self._clock.sleep(pause)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
