"""The stream of connections that a Collector opens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

import pytest

from pyrox.errors import Invalid
from pyrox.pb.internalapi.sensor.network_connection_iservice_pb2 import (
    NetworkConnectionInfoMessage,
    NetworkFlowsControlMessage,
)
from pyrox.rpc.call import Call
from services.sensor.network.service import (
    CAPABILITIES,
    HOSTNAME,
    Collectors,
    NetworkConnectionInfoService,
)
from tests.support.collector_network import to, told
from tests.support.network_scene import Scene, pushed
from tests.support.waiting import until

ABLE = {HOSTNAME: "another node", CAPABILITIES: "public-ips,network-graph-external-srcs"}


class Site:
    """A stream whose Collector says what the test puts."""

    def __init__(self, metadata: dict[str, str]) -> None:
        self.scene = Scene()
        collectors = Collectors(
            connections=self.scene.connections, ranges=self.scene.ranges, clock=self.scene.clock
        )
        self.said: asyncio.Queue[NetworkConnectionInfoMessage | None] = asyncio.Queue()
        self.headers = 0
        call = Call(method="/test", metadata=metadata, send_headers=self._send_headers)
        service = NetworkConnectionInfoService(collectors=collectors)
        self.answers = service.PushNetworkConnectionInfo(self._requests(), call)

    def say(self, *ports: int) -> None:
        """Tell of connections to these ports."""
        message = NetworkConnectionInfoMessage(info=told(*(to("8.8.8.8", port) for port in ports)))
        self.said.put_nowait(message)

    def ports(self) -> list[int]:
        return [connection.port for connection, _ in self.scene.connections.connections()]

    async def end(self) -> list[NetworkFlowsControlMessage]:
        """End the stream; what was answered since."""
        self.said.put_nowait(None)
        return [answer async for answer in self.answers]

    async def _requests(self) -> AsyncIterator[NetworkConnectionInfoMessage]:
        while (message := await self.said.get()) is not None:
            yield message

    async def _send_headers(self, _: object) -> None:
        self.headers += 1


async def test_connections_are_taken_until_collector_ends() -> None:
    site = Site(ABLE)
    site.say(1, 2)
    assert await site.end() == []
    assert (site.ports(), site.headers) == ([1, 2], 1)


async def test_ranges_are_told_at_the_start_and_at_each_change() -> None:
    site = Site(ABLE)
    site.scene.ranges.on_push(pushed(1, a="10.0.0.0/8"))
    first = await anext(site.answers)
    assert len(first.ip_networks.ipv4_networks) == 5
    site.scene.ranges.on_push(pushed(2, a="10.0.0.0/8", b="11.0.0.0/8"))
    second = await anext(site.answers)
    assert len(second.ip_networks.ipv4_networks) == 10
    assert await site.end() == []


async def test_collector_that_does_not_understand_ranges_is_told_nothing() -> None:
    site = Site({HOSTNAME: "another node"})
    site.scene.ranges.on_push(pushed(1, a="10.0.0.0/8"))
    site.say(1)
    assert await site.end() == []
    assert site.ports() == [1]


@pytest.mark.parametrize("host", ["", "n" * 254])
async def test_stream_that_names_no_node_is_refused(host: str) -> None:
    with pytest.raises(Invalid, match=HOSTNAME):
        await anext(Site({HOSTNAME: host}).answers)


async def test_message_without_connections_ends_the_stream() -> None:
    site = Site(ABLE)
    site.said.put_nowait(NetworkConnectionInfoMessage())
    with pytest.raises(Invalid, match="Collector of another node"):
        await site.end()


async def test_stream_that_is_left_reads_no_more() -> None:
    site = Site(ABLE)
    site.scene.ranges.on_push(pushed(1))
    await anext(site.answers)
    site.say(1)
    await until(site.ports)
    await cast("AsyncGenerator[NetworkFlowsControlMessage, None]", site.answers).aclose()
    site.say(2)
    await asyncio.sleep(0)
    assert site.ports() == [1]
