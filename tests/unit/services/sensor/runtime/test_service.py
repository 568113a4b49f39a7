"""Collector's two streams end in one pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

from pyrox.pb.internalapi.sensor.collector_iservice_pb2 import MsgFromCollector
from pyrox.pb.internalapi.sensor.collector_pb2 import ProcessSignal as CollectorSignal
from pyrox.pb.internalapi.sensor.signal_iservice_pb2 import SignalStreamMessage
from pyrox.pb.storage.process_indicator_pb2 import ProcessSignal
from pyrox.rpc.call import Call
from services.sensor.network.service import Collectors
from services.sensor.runtime.processes import Processes
from services.sensor.runtime.service import CollectorService, SignalService, to_storage
from tests.support.collector_network import to, told
from tests.support.network_scene import Scene, pushed


class Bench:
    """The pipeline's entry, and the call."""

    def __init__(self) -> None:
        self.offered: list[ProcessSignal] = []
        self.headers_before = -1

    def offer(self, signal: ProcessSignal) -> None:
        self.offered.append(signal)

    async def send_headers(self, _: object) -> None:
        self.headers_before = len(self.offered)

    @property
    def processes(self) -> Processes:
        return cast("Processes", self)


async def each(*messages: Any) -> AsyncIterator[Any]:
    for message in messages:
        yield message


async def test_old_stream_offers_signals_and_answers_nothing() -> None:
    bench = Bench()
    good = SignalStreamMessage()
    good.signal.process_signal.name = "sh"
    empty = SignalStreamMessage()
    empty.signal.SetInParent()
    stream = SignalService(processes=bench.processes).PushSignals(
        each(SignalStreamMessage(), empty, good, good), cast("Call", bench)
    )
    assert [answer async for answer in stream] == []
    assert [signal.name for signal in bench.offered] == ["sh", "sh"]
    # Collector waits for the headers before it sends.
    assert bench.headers_before == 0


async def test_new_stream_offers_signals_and_tells_of_connections() -> None:
    bench, scene = Bench(), Scene()
    collectors = Collectors(connections=scene.connections, ranges=scene.ranges, clock=scene.clock)
    scene.ranges.on_push(pushed(1, all="10.0.0.0/8"))
    register, process, network = MsgFromCollector(), MsgFromCollector(), MsgFromCollector()
    register.register.hostname = "another node"
    process.process_signal.name = "sh"
    network.info.CopyFrom(told(to("8.8.8.8")))
    stream = CollectorService(processes=bench.processes, collectors=collectors).Communicate(
        each(network, register, process, MsgFromCollector(), network, register), cast("Call", bench)
    )
    answers = [answer async for answer in stream]
    assert [answer.ip_networks.ipv4_networks for answer in answers] == [b"\x0a\x00\x00\x00\x08"]
    assert [signal.name for signal in bench.offered] == ["sh"]
    assert [connection.port for connection, _ in scene.connections.connections()] == [443]
    # What came before the Collector said who it is belongs to no node.
    assert (scene.connections.refused, bench.headers_before) == (1, 0)


def test_signal_of_the_new_stream_keeps_every_field() -> None:
    signal = CollectorSignal(
        id="1",
        container_id="c",
        name="sh",
        args="-c x",
        exec_file_path="/bin/sh",
        pid=2,
        uid=3,
        gid=4,
        scraped=True,
    )
    signal.creation_time.FromJsonString("2026-11-24T09:00:00.5Z")
    signal.lineage_info.add(parent_uid=5, parent_exec_file_path="/bin/init")
    stored = to_storage(signal)
    expected = ProcessSignal(
        id="1",
        container_id="c",
        name="sh",
        args="-c x",
        exec_file_path="/bin/sh",
        pid=2,
        uid=3,
        gid=4,
        scraped=True,
    )
    expected.time.FromJsonString("2026-11-24T09:00:00.5Z")
    expected.lineage_info.add(parent_uid=5, parent_exec_file_path="/bin/init")
    assert stored == expected
    assert not to_storage(CollectorSignal(id="1")).HasField("time")
