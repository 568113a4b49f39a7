"""What Collectors call with connections: a stream of changes, answered with ranges to look for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.pb.internalapi.sensor.network_connection_info_pb2 import NetworkConnectionInfo
from pyrox.pb.internalapi.sensor.network_connection_iservice_pb2 import (
    NetworkConnectionInfoMessage,
    NetworkFlowsControlMessage,
)
from pyrox.rpc.authz import Rule, Services
from pyrox.rpc.call import Call
from services.sensor.network.connections import Connections
from services.sensor.network.ranges import Ranges

HOSTNAME = "rox-collector-hostname"
CAPABILITIES = "rox-collector-capabilities"
_RANGES = "network-graph-external-srcs"
_MAX_NAME = 253


class Collectors:
    """What the streams of all Collectors share."""

    def __init__(self, *, connections: Connections, ranges: Ranges, clock: Clock) -> None:
        self._connections = connections
        self._ranges = ranges
        self._clock = clock

    def opened(self, host: str) -> None:
        """A stream of a host begins. Raises `Invalid` for one that cannot be."""
        if not host or len(host) > _MAX_NAME:
            raise Invalid.of(f"a stream of connections needs the header {HOSTNAME} with the node's name")
        self._connections.opened(host)

    def take(self, host: str, info: NetworkConnectionInfo) -> None:
        """Connections of a host."""
        self._connections.take(host, info, self._clock.now())

    def closed(self, host: str) -> None:
        """A stream of a host ended."""
        self._connections.closed(host, self._clock.now())

    async def control(self, reader: asyncio.Task[None]) -> AsyncIterator[NetworkFlowsControlMessage]:
        """What to look for, now and whenever it changes, until the reader ends."""
        version = 0
        while not reader.done():
            news = asyncio.create_task(self._ranges.news(version))
            try:
                await asyncio.wait({reader, news}, return_when=asyncio.FIRST_COMPLETED)
                if news.done():
                    version = news.result()
                    yield self._ranges.control()
            finally:
                news.cancel()


class NetworkConnectionInfoService:
    """`sensor.NetworkConnectionInfoService`: the stream that upstream's Collector opens today."""

    SERVICE: ClassVar[str] = "sensor.NetworkConnectionInfoService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"PushNetworkConnectionInfo": Services.of("COLLECTOR_SERVICE")}

    def __init__(self, *, collectors: Collectors) -> None:
        self._collectors = collectors

    async def PushNetworkConnectionInfo(
        self, requests: AsyncIterator[NetworkConnectionInfoMessage], call: Call
    ) -> AsyncIterator[NetworkFlowsControlMessage]:
        """Take connections until Collector ends the stream; tell it what to look for."""
        host = call.metadata.get(HOSTNAME, "")
        self._collectors.opened(host)
        # Collector waits for the headers before it sends anything.
        await call.send_headers({})
        reader = asyncio.create_task(self._read(host, requests))
        try:
            if _RANGES in call.metadata.get(CAPABILITIES, "").split(","):
                async for message in self._collectors.control(reader):
                    yield message
            await reader
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            self._collectors.closed(host)

    async def _read(self, host: str, requests: AsyncIterator[NetworkConnectionInfoMessage]) -> None:
        async for message in requests:
            if not message.HasField("info"):
                raise Invalid.of(f"Collector of {host}: a message without connections")
            self._collectors.take(host, message.info)
