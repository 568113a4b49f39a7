"""One open stream to a Sensor: who it is, what it can do, and its outgoing queue.

Made by `service.py`, found by other domains through `connections.py`. It must not know
what messages mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from pyrox.errors import Unavailable
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.storage.cluster_pb2 import Cluster, SensorDeploymentIdentification

# A Sensor that does not read loses its stream when this many messages wait; it then
# reconnects and is told everything anew.
OUTBOX_LIMIT = 10_000


@dataclass(eq=False, slots=True)
class Connection:
    """A stream in use."""

    cluster: Cluster
    capabilities: frozenset[str]
    identification: SensorDeploymentIdentification | None
    _outbox: asyncio.Queue[MsgToSensor | None] = field(
        default_factory=lambda: asyncio.Queue(maxsize=OUTBOX_LIMIT)
    )
    _answers: dict[str, asyncio.Future[MsgFromSensor]] = field(default_factory=dict)
    _closed: bool = False
    _drained: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""

    @property
    def closed(self) -> bool:
        """Whether the stream is ending."""
        return self._closed

    def send(self, message: MsgToSensor) -> bool:
        """Queue a message; False, and the stream ends, when the Sensor does not read."""
        if self._closed:
            return False
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            self.close("the Sensor does not read its messages")
            return False
        return True

    async def ask(self, key: str, message: MsgToSensor, seconds: float) -> MsgFromSensor:
        """Send a message and wait for the answer that `settle` gives under the key.

        Raises `Unavailable` when none comes in time or the stream ends.
        """
        waiting: asyncio.Future[MsgFromSensor] = asyncio.get_running_loop().create_future()
        self._answers[key] = waiting
        try:
            if not self.send(message):
                raise Unavailable(
                    f"cluster {self.cluster.name}: its Sensor's stream has just ended; try again"
                )
            async with asyncio.timeout(seconds):
                return await waiting
        except TimeoutError as err:
            raise Unavailable(
                f"cluster {self.cluster.name}: its Sensor did not answer in {seconds:.0f} s"
            ) from err
        finally:
            self._answers.pop(key, None)

    def settle(self, key: str, message: MsgFromSensor) -> bool:
        """Give an answer to who waits for it; False when nobody does."""
        waiting = self._answers.get(key)
        if waiting is None or waiting.done():
            return False
        waiting.set_result(message)
        return True

    def close(self, reason: str) -> None:
        """End the stream after the message that is being sent."""
        if self._closed:
            return
        self._closed = True
        self.reason = reason
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(Unavailable(f"cluster {self.cluster.name}: {reason}"))
        while self._outbox.full():
            self._outbox.get_nowait()
        self._outbox.put_nowait(None)

    def drained(self) -> None:
        """Nothing that this stream brought will be written any more."""
        self._drained.set()

    async def wait_drained(self, seconds: float) -> bool:
        """Wait for `drained`; False when it does not come in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._drained.wait()
        except TimeoutError:
            return False
        return True

    async def outgoing(self) -> AsyncIterator[MsgToSensor]:
        """The queued messages, until the connection is closed."""
        while (message := await self._outbox.get()) is not None:
            yield message
