"""After each greeting: offer Central all that is known, then say that it was all.

Runs beside the stream until done. Unlike upstream, which lists the cluster anew, the
store is replayed; what Central has already is not sent but listed in the final event.
It must not know the stream.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pyrox import log
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from services.sensor.link.events import Events, key_of
from services.sensor.link.outbox import Outbox
from services.sensor.store.messages import ARMS, Messages, event_of
from services.sensor.store.publish import Publisher, synced_event

_LOG = log.get(__name__)


class Replay:
    """Replays the store in upstream's order of kinds."""

    def __init__(
        self,
        *,
        messages: Messages,
        publisher: Publisher,
        events: Events,
        outbox: Outbox,
        settled: Callable[[], Awaitable[None]],
        detect: tuple[Callable[[str], None], Callable[[], None]],
    ) -> None:
        """`settled` returns when no deployment is out of date.

        `detect` asks for a deployment's alerts, called when Central knows the deployment;
        its second part lets detection go on, called when Central knows them all.
        """
        self._messages = messages
        self._publisher = publisher
        self._events = events
        self._outbox = outbox
        self._settled = settled
        self._detect, self._release = detect

    async def run(self) -> None:
        """Wait until the cluster is known, then offer everything."""
        await self._publisher.synced.wait()
        await self._settled()
        self._publisher.open()
        unchanged: list[str] = []
        for arm in ARMS:
            unchanged += await self._offer(arm)
            if arm == "deployment":
                for key in list(self._messages.entries(arm)):
                    self._detect(key)
                self._release()
        self._events.emit(synced_event(unchanged))
        _LOG.info("cluster offered to Central", unchanged=len(unchanged))

    async def _offer(self, arm: str) -> list[str]:
        """Offer one kind; the keys of what Central has already."""
        unchanged: list[str] = []
        for key in list(self._messages.entries(arm)):
            await self._outbox.room()
            entry = self._messages.get(arm, key)
            if entry is None:
                continue
            event = event_of(arm, key, entry.message, ResourceAction.SYNC_RESOURCE)
            if not self._events.emit(event, entry.origin):
                unchanged.append(key_of(event))
        return unchanged
