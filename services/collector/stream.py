"""The component that streams signals to Sensor, and connects anew when the stream ends.

Speaks `sensor.SignalService/PushSignals`, the stream of today's Collectors: nothing is
said before the first signal, and nothing is ever answered. Each new stream begins with
the processes that run already. It must not know how executions are found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError, Unavailable
from pyrox.pb.api.v1.signal_pb2 import Signal
from pyrox.pb.internalapi.sensor.signal_iservice_pb2 import SignalStreamMessage
from pyrox.pb.internalapi.sensor.signal_iservice_pb2_grpc import SignalServiceStub
from pyrox.pb.storage.process_indicator_pb2 import ProcessSignal
from pyrox.rpc.client import Channels, our_side_may_close
from pyrox.service import first_failure
from services.collector.events import Execution
from services.collector.signals import Signals
from services.collector.stats import Stats

_LOG = log.get(__name__)
# As long as upstream's Collector waits for the stream to start.
_START_SECONDS = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.5, 10.0, 2.0
_FAILURES = (grpc.RpcError, grpc.aio.BaseError, asyncio.InvalidStateError, TimeoutError, OSError, RoxError)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a stream's signals come from."""

    signals: Signals
    existing: Callable[[], Sequence[Execution]]
    """Blocking; called on a thread."""
    to_signal: Callable[[Execution], ProcessSignal]


@dataclass(slots=True)
class Pauses:
    """Growing pauses with jitter and a ceiling."""

    random: Callable[[], float]
    _current: float = field(default=_FIRST_PAUSE)

    def next(self) -> float:
        """Seconds until the next attempt: between half and all of a doubling pause."""
        pause = self._current * (1 + self.random()) / 2
        self._current = min(self._current * _GROWTH, _LONGEST_PAUSE)
        return pause

    def reset(self) -> None:
        """A stream was opened."""
        self._current = _FIRST_PAUSE


class SensorStream:
    """Keeps one stream open and sends on it what waits."""

    name = "sensor-stream"

    def __init__(
        self, *, channels: Channels, source: Source, stats: Stats, clock: Clock, random: Callable[[], float]
    ) -> None:
        self._channels = channels
        self._source = source
        self._stats = stats
        self._clock = clock
        self._pauses = Pauses(random)
        self._held: SignalStreamMessage | None = None
        """Taken from the queue and not yet written; keeps its id when sent on the next stream."""
        self._logged = False

    async def run(self, ready: Callable[[], None]) -> None:
        """Connect and send until cancelled; ready at once, since Sensor may be away."""
        ready()
        while True:
            try:
                await self._session()
            except _FAILURES as err:
                self._failed(err)
            finally:
                self._stats.connected = False
            # A channel that failed waits up to two minutes of its own before it connects anew.
            await self._channels.close()
            await self._clock.sleep(self._pauses.next())

    async def _session(self) -> None:
        channel = await self._channels.channel()
        stub: Any = SignalServiceStub(channel)
        call = stub.PushSignals()
        try:
            async with asyncio.timeout(_START_SECONDS):
                await call.initial_metadata()
            if call.done():
                raise Unavailable(f"Sensor refused the stream: {await call.code()}: {await call.details()}")
            self._opened()
            await first_failure(_until_end(call), self._push(call))
        finally:
            call.cancel()

    async def _push(self, call: Any) -> None:
        for execution in await asyncio.to_thread(self._source.existing):
            if not self._waits(execution):
                await call.write(self._message(execution))
                self._stats.scraped += 1
        while True:
            if self._held is None:
                self._held = self._message(await self._source.signals.take())
            await call.write(self._held)
            self._held = None
            self._stats.sent += 1

    def _waits(self, execution: Execution) -> bool:
        """Whether the start of this process is about to be told anyway."""
        held = self._held.signal.process_signal if self._held is not None else None
        if held is not None and (held.pid, held.exec_file_path) == (execution.pid, execution.path):
            return True
        return self._source.signals.holds(execution)

    def _message(self, execution: Execution) -> SignalStreamMessage:
        return SignalStreamMessage(signal=Signal(process_signal=self._source.to_signal(execution)))

    def _opened(self) -> None:
        _LOG.info("stream to Sensor open")
        self._pauses.reset()
        self._stats.connected = True
        self._logged = False

    def _failed(self, error: BaseException) -> None:
        self._stats.stream_failures += 1
        if not self._logged:
            _LOG.warning("no stream to Sensor; trying again", reason=_reason(error))
        self._logged = True


class Printer:
    """Writes signals as JSON, one a line, where no Sensor is configured."""

    name = "printer"

    def __init__(self, *, source: Source, stats: Stats, write: Callable[[ProcessSignal], None]) -> None:
        self._source = source
        self._stats = stats
        self._write = write

    async def run(self, ready: Callable[[], None]) -> None:
        """Write until cancelled."""
        ready()
        for execution in await asyncio.to_thread(self._source.existing):
            self._write(self._source.to_signal(execution))
            self._stats.scraped += 1
        while True:
            self._write(self._source.to_signal(await self._source.signals.take()))
            self._stats.sent += 1


async def _until_end(call: Any) -> None:
    """Return never: raises when Sensor ended the stream, and passes its error on."""
    with our_side_may_close("Sensor"):
        async for _ in call:
            pass
    raise Unavailable("Sensor ended the stream")


def _reason(error: BaseException) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return f"{type(error).__name__}: {error}"
