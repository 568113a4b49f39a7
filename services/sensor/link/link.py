"""The link to Central: checks, connects, greets, serves, and starts over, for ever.

Components register what they want to be told. States and their order::

    OFFLINE -> CHECKING -> OPENING -> GREETING -> LIVE -> OFFLINE

Offline, Sensor goes on watching and detecting; on each new connection everything that
it knows is offered again, and only what Central does not have is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Protocol

import grpc

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Exhausted, RoxError, Unimplemented
from pyrox.pb.internalapi.central.hello_pb2 import CentralHello, HelmManagedConfigInit
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.cluster_pb2 import SensorDeploymentIdentification
from pyrox.service import first_failure
from services.sensor.link.backoff import Backoff
from services.sensor.link.events import Events
from services.sensor.link.greeting import CAPABILITIES, BadOrder, Greeting, Introduction
from services.sensor.link.outbox import Outbox
from services.sensor.link.session import Session, open_session

_LOG = log.get(__name__)

Handler = Callable[[MsgToSensor], None]
"""Takes one message of a kind; quick, since the stream waits for it."""


class State(Enum):
    """Where the link stands."""

    OFFLINE = "offline"
    CHECKING = "checking"
    OPENING = "opening"
    GREETING = "greeting"
    LIVE = "live"


class Checks(Protocol):
    """The HTTP calls before a stream."""

    async def run(self, *, reconnect: bool) -> int:
        """Make them; the receive limit of messages."""


class Dialer(Protocol):
    """Makes the channel to Central."""

    async def channel(self, receive_limit: int) -> grpc.aio.Channel:
        """The channel for the next stream."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told what, made in `app.py`."""

    messages: Mapping[str, Handler] = field(default_factory=dict)
    """By the message's arm, such as `policy_sync`."""
    online: Sequence[Callable[[CentralHello], None]] = ()
    """Called in order when a greeting is done, before anything else is sent."""
    offline: Sequence[Callable[[], None]] = ()
    replay: Callable[[], Awaitable[None]] | None = None
    """Offers all that is known of the cluster; runs beside the stream."""


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How the link behaves."""

    cluster_id: str
    retry_initial: timedelta
    retry_longest: timedelta
    greeting_timeout: timedelta
    identification: SensorDeploymentIdentification
    helm: HelmManagedConfigInit | None = None
    capabilities: Sequence[str] = CAPABILITIES


class CentralLink:
    """The component that owns the stream."""

    name = "central-link"

    def __init__(
        self,
        *,
        checks: Checks,
        dialer: Dialer,
        outbox: Outbox,
        events: Events,
        options: LinkOptions,
        surroundings: tuple[Clock, Callable[[], float]],
    ) -> None:
        """`surroundings` are the clock and a source of numbers from 0 to 1."""
        self._checks = checks
        self._dialer = dialer
        self._outbox = outbox
        self._events = events
        self._options = options
        self._clock, random = surroundings
        self._backoff = Backoff(options.retry_initial, options.retry_longest, random)
        self._listeners = Listeners()
        self._reconcile = True
        self._gzip = True
        self._connected_once = False
        self.cluster_id = options.cluster_id
        self.state = State.OFFLINE
        self.failure = ""
        """Why the last attempt or connection ended."""

    def listen(self, listeners: Listeners) -> None:
        """Set who is told; called once, before the start."""
        self._listeners = listeners

    async def run(self, ready: Callable[[], None]) -> None:
        """Connect for ever. Ready at once: Sensor works without Central."""
        ready()
        while True:
            try:
                await self._connect()
            except RoxError as error:
                self._note(error)
            finally:
                self._go_offline()
            await self._clock.sleep(self._backoff.next())

    async def _connect(self) -> None:
        self.state = State.CHECKING
        limit = await self._checks.run(reconnect=self._connected_once)
        self.state = State.OPENING
        channel = await self._dialer.channel(limit)
        introduction = Introduction(
            reconnect=self._connected_once,
            reconcile=self._reconcile,
            identification=self._options.identification,
            capabilities=self._options.capabilities,
            helm=self._helm(),
        )
        known_id = self.cluster_id if self._connected_once else ""
        async with open_session(channel, introduction, known_id, gzip=self._gzip) as session:
            self.state = State.GREETING
            greeting = await session.greet(introduction, self._options.greeting_timeout)
            self._welcome(greeting)
            await self._serve(session)

    def _helm(self) -> HelmManagedConfigInit | None:
        """The chart's configuration with the cluster's id, once that is known."""
        if self._options.helm is not None:
            self._options.helm.cluster_id = self.cluster_id
        return self._options.helm

    def _welcome(self, greeting: Greeting) -> None:
        """Take over what Central said and tell everybody that it is there."""
        self.cluster_id = greeting.hello.cluster_id or self.cluster_id
        self._events.reset(greeting.hashes)
        for message in greeting.opening:
            self._dispatch(message)
        self._outbox.go_live()
        self.state = State.LIVE
        self.failure = ""
        self._connected_once = True
        self._reconcile = True
        self._backoff.reset()
        _LOG.info("connected to Central", cluster_id=self.cluster_id, known_hashes=len(greeting.hashes))
        for listener in self._listeners.online:
            listener(greeting.hello)

    async def _serve(self, session: Session) -> None:
        """Read and write until one of them fails."""
        replay = self._listeners.replay
        offered = [] if replay is None else [_as_task(replay)]
        await first_failure(self._read(session), self._write(session), *offered)

    async def _read(self, session: Session) -> None:
        while (message := await session.read()) is not None:
            self._dispatch(message)
        raise StreamOver("Central ended the stream")

    async def _write(self, session: Session) -> None:
        while True:
            message = await self._outbox.take()
            try:
                await session.write(message)
            except RoxError:
                self._outbox.put_back(message)
                raise

    def _dispatch(self, message: MsgToSensor) -> None:
        arm = message.WhichOneof("msg") or ""
        handler = self._listeners.messages.get(arm)
        if handler is None:
            _LOG.debug("message from Central that nothing here needs", kind=arm)
            return
        try:
            handler(message)
        except RoxError as error:
            _LOG.warning("message from Central could not be used", kind=arm, error=error.message)

    def _note(self, error: RoxError) -> None:
        """Remember why, and what to do differently next time."""
        if isinstance(error, BadOrder | Exhausted):
            self._reconcile = False
        if isinstance(error, Unimplemented) and self._gzip:
            self._gzip = False
        if error.message != self.failure:
            _LOG.warning("no connection to Central, trying on", state=self.state.value, error=error.message)
        self.failure = error.message

    def _go_offline(self) -> None:
        was_live = self.state is State.LIVE
        self.state = State.OFFLINE
        self._outbox.go_offline()
        if was_live:
            for listener in self._listeners.offline:
                listener()


class StreamOver(RoxError):
    """Central closed the stream in an orderly way."""


async def _as_task(work: Callable[[], Awaitable[None]]) -> None:
    await work()
