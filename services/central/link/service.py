"""`central.SensorService`: the one stream between a Sensor and Central.

The stream is the handshake, then a reader, a writer of events and a sender side by side;
when one of them ends, all do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import ClassVar, Protocol

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Invalid, Unavailable
from pyrox.pb.internalapi.central.hello_pb2 import SensorHello
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.rpc.authz import Rule, Services
from pyrox.rpc.call import Call
from services.central.clusters.registration import Registration
from services.central.link import capabilities
from services.central.link import hello as first_words
from services.central.link.connection import Connection
from services.central.link.connections import Connections
from services.central.link.greeting import Greeter
from services.central.link.inbox import Inbox
from services.central.link.messages import Messages

_LOG = log.get(__name__)
# A peer that opens a stream and says nothing holds it no longer than this.
HELLO_SECONDS = 30.0
# What was read when the stream ended is still stored, unless the database takes longer.
DRAIN_SECONDS = 5.0
# A replaced stream has drained by then.
REPLACED_SECONDS = 2 * DRAIN_SECONDS
REGISTRANT = "REGISTRANT_SERVICE"


class InboxMaker(Protocol):
    """Makes the inbox of a new stream."""

    def __call__(self, *, connection: Connection, known: Mapping[str, int]) -> Inbox:
        """An inbox that knows the hashes of what is stored."""


class SensorService:
    """`central.SensorService`."""

    SERVICE: ClassVar[str] = "central.SensorService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"Communicate": Services.of("SENSOR_SERVICE", REGISTRANT)}

    def __init__(
        self,
        *,
        registration: Registration,
        greeter: Greeter,
        connections: Connections,
        inbox: InboxMaker,
        messages: Messages,
        clock: Clock,
    ) -> None:
        self._registration = registration
        self._greeter = greeter
        self._connections = connections
        self._inbox = inbox
        self._messages = messages
        self._clock = clock

    async def Communicate(
        self, requests: AsyncIterator[MsgFromSensor], call: Call
    ) -> AsyncIterator[MsgToSensor]:
        """Serve one Sensor until either side ends the stream."""
        assert call.identity.service is not None  # noqa: S101 - AUTHZ asks for a service
        greets = first_words.supports_hello(call.metadata)
        if greets:
            # A Sensor waits for this header before it says anything.
            await call.send_headers({first_words.HELLO_HEADER: "true"})
        incoming = requests.__aiter__()
        hello = await self._hello(incoming, call) if greets else first_words.from_headers(call.metadata)
        cluster = await self._registration.cluster_of(first_words.check(hello), call.identity.service)
        if greets:
            central = self._greeter.central_hello(cluster, hello, send_deduper_state=True)
            yield MsgToSensor(hello=central)
        if call.identity.service.type == REGISTRANT:
            return
        async with (
            self._connected(cluster, hello) as connection,
            aclosing(self._converse(connection, hello, incoming)) as conversation,
        ):
            async for message in conversation:
                yield message

    async def _hello(self, incoming: AsyncIterator[MsgFromSensor], call: Call) -> SensorHello:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                first = await anext(incoming)
        except TimeoutError as err:
            raise Invalid(f"no hello came in {HELLO_SECONDS:.0f} s") from err
        except StopAsyncIteration as err:
            raise Invalid("the stream ended before the hello") from err
        if first.WhichOneof("msg") != "hello":
            kind = first.WhichOneof("msg") or "an empty message"
            raise Invalid(f"the first message of {call.peer} must be a hello, not {kind}")
        return first.hello

    @asynccontextmanager
    async def _connected(self, cluster: Cluster, hello: SensorHello) -> AsyncIterator[Connection]:
        identification = (
            hello.deployment_identification if hello.HasField("deployment_identification") else None
        )
        connection = Connection(
            cluster=cluster, capabilities=frozenset(hello.capabilities), identification=identification
        )
        old = self._connections.add(connection)
        _LOG.info("sensor connected", cluster=cluster.name, version=hello.sensor_version)
        try:
            # What the old stream still writes would be newer than the dedupe state that this one reads.
            if old is not None and not await old.wait_drained(REPLACED_SECONDS):
                _LOG.warning("replaced stream does not end", cluster=cluster.name)
            yield connection
        finally:
            connection.close("the stream ended")
            connection.drained()
            self._connections.remove(connection)
            _LOG.info("sensor disconnected", cluster=cluster.name, reason=connection.reason)

    async def _converse(
        self, connection: Connection, hello: SensorHello, incoming: AsyncIterator[MsgFromSensor]
    ) -> AsyncGenerator[MsgToSensor, None]:
        known: Mapping[str, int] = {}
        if capabilities.SEND_DEDUPER_STATE in connection.capabilities:
            known = await self._greeter.hashes.load(connection.cluster.id)
        await self._messages.connected(connection)
        async for message in self._greeter.messages(connection.cluster, hello, known):
            yield message
        inbox = self._inbox(connection=connection, known=known)
        parts = (
            asyncio.create_task(self._read(connection, incoming, inbox), name="sensor-reader"),
            asyncio.create_task(inbox.work(self._clock.sleep), name="sensor-inbox"),
        )
        for part in parts:
            part.add_done_callback(lambda _: connection.close("the stream ended"))
        try:
            async for message in connection.outgoing():
                yield message
        finally:
            reader, writer = parts
            reader.cancel()
            if not writer.done():
                await inbox.drain(DRAIN_SECONDS)
            writer.cancel()
            results = await asyncio.gather(*parts, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        if connection.reason != "the stream ended":
            raise Unavailable(connection.reason)

    async def _read(
        self, connection: Connection, incoming: AsyncIterator[MsgFromSensor], inbox: Inbox
    ) -> None:
        async for message in incoming:
            if message.HasField("event"):
                await inbox.put(message.event)
            else:
                await self._messages.handle(connection, message)
