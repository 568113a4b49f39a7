"""Messages that wait for the stream to Central.

Components put, the link takes. Nothing that a reconnect would produce anew is kept
while there is no connection; what is kept is bounded, and what does not fit is counted.
It must not know messages.
"""

from __future__ import annotations

import asyncio
from collections import deque

from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor
from services.sensor.health.losses import Cause, Losses, Queue


class Outbox:
    """One queue with two bounds: for the live stream and for what outlives it."""

    def __init__(
        self, *, limit: int, kept_limit: int, metrics: Metrics, losses: Losses | None = None
    ) -> None:
        self._limit = limit
        self._kept_limit = kept_limit
        self._items: deque[tuple[MsgFromSensor, bool]] = deque()
        self._kept = 0
        self._losses = losses or Losses()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.live = False
        self.dropped = 0
        self._size = metrics.gauge(
            "num_messages_waiting_for_transmission_to_central", "messages that wait for the stream"
        )
        self._drops = metrics.counter("output_dropped", "messages for Central that were dropped", ("cause",))

    def __len__(self) -> int:
        return len(self._items)

    def put(self, message: MsgFromSensor, *, keep: bool = False) -> None:
        """Queue a message; with `keep` it waits for a connection, else it needs one."""
        if not self.live and not keep:
            return
        if len(self._items) >= self._limit or (not self.live and self._kept >= self._kept_limit):
            self.dropped += 1
            self._drops.labels("full" if self.live else "offline").inc()
            if keep:
                self._losses.lost(Cause.FULL if self.live else Cause.OFFLINE)
            return
        self._items.append((message, keep))
        self._kept += keep
        self._changed()

    async def room(self) -> None:
        """Return when the queue is at most half full, for senders that can wait."""
        await self._room.wait()

    async def take(self) -> MsgFromSensor:
        """The oldest message, waiting for one."""
        while not self._items:
            self._wake.clear()
            await self._wake.wait()
        message, keep = self._items.popleft()
        self._kept -= keep
        self._changed()
        return message

    def put_back(self, message: MsgFromSensor) -> None:
        """Return a message that could not be sent, if it is one of those that are kept."""
        if message.event.HasField("process_indicator") or message.event.HasField("alert_results"):
            self._items.appendleft((message, True))
            self._kept += 1
            self._changed()

    def go_live(self) -> None:
        """A connection is there."""
        self.live = True

    def go_offline(self) -> None:
        """The connection is gone: forget what a new one gets anyway."""
        self.live = False
        self._items = deque(item for item in self._items if item[1])
        self._changed()

    def _changed(self) -> None:
        self._size.set(len(self._items))
        self._losses.held(Queue.OUTBOX, self._kept)
        if self._items:
            self._wake.set()
        if len(self._items) <= self._limit // 2:
            self._room.set()
        else:
            self._room.clear()
