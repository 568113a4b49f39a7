"""Keeps the webhook serving for a while after the order to stop.

The API server goes on calling a replica until its endpoint is gone from the Service;
requests that met a closed port then would pass or fail unjudged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pyrox.clock import Clock
from services.admission.webhook import Webhook


class Drain:
    """The component that is stopped first, and takes its time."""

    name = "drain"

    def __init__(self, *, webhook: Webhook, clock: Clock, seconds: float) -> None:
        self._webhook = webhook
        self._clock = clock
        self._seconds = seconds

    async def run(self, ready: Callable[[], None]) -> None:
        """Wait for the end, say that this replica is not ready any more, serve on."""
        ready()
        try:
            await asyncio.Event().wait()
        finally:
            self._webhook.stopping = True
            await self._clock.sleep(self._seconds)
