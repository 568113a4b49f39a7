"""The component that tells Sensor of connections, and connects anew when the stream ends.

Speaks `sensor.NetworkConnectionInfoService/PushNetworkConnectionInfo`. Each new stream is
told everything; Sensor answers with the ranges to look for. It must not know /proc.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError, Unavailable
from pyrox.pb.internalapi.sensor.network_connection_info_pb2 import NetworkConnectionInfo
from pyrox.pb.internalapi.sensor.network_connection_iservice_pb2 import NetworkConnectionInfoMessage
from pyrox.pb.internalapi.sensor.network_connection_iservice_pb2_grpc import (
    NetworkConnectionInfoServiceStub,
)
from pyrox.rpc.client import Channels, our_side_may_close
from pyrox.service import first_failure
from services.collector.network.changes import Changes
from services.collector.network.known import Connection, Listening, Ranges, connections, listening
from services.collector.network.scrape import Owned
from services.collector.stats import Stats

_LOG = log.get(__name__)
_START_SECONDS = 30.0
# Upstream's pause after a stream that failed.
_PAUSE_SECONDS = 10.0
_CAPABILITIES = "public-ips,network-graph-external-srcs"
_FAILURES = (grpc.RpcError, grpc.aio.BaseError, asyncio.InvalidStateError, TimeoutError, OSError, RoxError)


@dataclass(frozen=True, slots=True)
class Options:
    """How often is looked, and how long what is gone counts as open."""

    node: str
    interval: timedelta
    afterglow: timedelta


class NetworkStream:
    """Keeps one stream open and tells on it what changed."""

    name = "network-stream"

    def __init__(
        self,
        *,
        channels: Channels,
        scrape: Callable[[], Sequence[Owned]],
        options: Options,
        stats: Stats,
        clock: Clock,
    ) -> None:
        """`scrape` blocks; it is called on a thread."""
        self._channels = channels
        self._scrape = scrape
        self._options = options
        self._stats = stats
        self._clock = clock
        self._ranges = Ranges()
        self._logged = False

    async def run(self, ready: Callable[[], None]) -> None:
        """Connect and tell until cancelled; ready at once, since Sensor may be away."""
        ready()
        while True:
            try:
                await self._session()
            except _FAILURES as err:
                if not self._logged:
                    _LOG.warning("no stream of connections to Sensor; trying again", reason=str(err))
                self._logged = True
            await self._clock.sleep(_PAUSE_SECONDS)

    async def _session(self) -> None:
        channel = await self._channels.channel()
        stub: Any = NetworkConnectionInfoServiceStub(channel)
        metadata = (
            ("rox-collector-hostname", self._options.node),
            ("rox-collector-capabilities", _CAPABILITIES),
        )
        call = stub.PushNetworkConnectionInfo(metadata=metadata)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await call.initial_metadata()
            self._logged = False
            await first_failure(self._listen(call), self._tell(call))
        finally:
            call.cancel()

    async def _tell(self, call: Any) -> None:
        open_ones: Changes[Connection] = Changes(afterglow=self._options.afterglow)
        ports: Changes[Listening] = Changes(afterglow=timedelta())
        while True:
            sockets = await asyncio.to_thread(self._scrape)
            info = NetworkConnectionInfo()
            now = self._clock.now()
            info.time.FromDatetime(now)
            fresh, ended = open_ones.update(connections(sockets, self._ranges), now)
            info.updated_connections.extend(one.message() for one in fresh)
            for connection, seen in ended.items():
                closed = info.updated_connections.add()
                closed.CopyFrom(connection.message())
                closed.close_timestamp.FromDatetime(seen)
            new_ports, gone_ports = ports.update(listening(sockets), now)
            info.updated_endpoints.extend(one.message() for one in new_ports)
            for port, seen in gone_ports.items():
                gone = info.updated_endpoints.add()
                gone.CopyFrom(port.message())
                gone.close_timestamp.FromDatetime(seen)
            if info.updated_connections or info.updated_endpoints:
                await call.write(NetworkConnectionInfoMessage(info=info))
                self._stats.connections += len(info.updated_connections)
            await self._clock.sleep(self._options.interval.total_seconds())

    async def _listen(self, call: Any) -> None:
        with our_side_may_close("Sensor"):
            async for control in call:
                self._ranges = Ranges.read(control)
        raise Unavailable("Sensor ended the stream")
