"""Collector's two streams end in one pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

from pyrox.metrics import Metrics
from pyrox.pb.internalapi.sensor.collector_iservice_pb2 import MsgFromCollector
from pyrox.pb.internalapi.sensor.collector_pb2 import ProcessSignal as CollectorSignal
from pyrox.pb.internalapi.sensor.signal_iservice_pb2 import SignalStreamMessage
from pyrox.pb.storage.process_indicator_pb2 import ProcessSignal
from pyrox.rpc.call import Call
from services.sensor.runtime.processes import Processes
from services.sensor.runtime.service import CollectorService, SignalService, to_storage


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


async def test_new_stream_offers_signals_and_counts_what_is_for_later() -> None:
    bench, metrics = Bench(), Metrics("sensor")
    process, network = MsgFromCollector(), MsgFromCollector()
    process.process_signal.name = "sh"
    network.info.SetInParent()
    stream = CollectorService(processes=bench.processes, metrics=metrics).Communicate(
        each(network, process, MsgFromCollector(), network), cast("Call", bench)
    )
    assert [answer async for answer in stream] == []
    assert [signal.name for signal in bench.offered] == ["sh"]
    ignored = metrics.registry.get_sample_value("rox_sensor_collector_network_messages_ignored_total")
    assert (ignored, bench.headers_before) == (2, 0)


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
