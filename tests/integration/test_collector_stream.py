"""Collector's stream over real gRPC and mutual TLS; the kernel side is the test's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import httpx
import pytest

from pyrox.mtls.identity import Subject
from tests.support.collector import config, running_collector
from tests.support.fake_probe import CONTAINER, FakeProbe, record
from tests.support.fake_sensor import CANCEL, SignalSink
from tests.support.pki import CLUSTER_ID, COLLECTOR, Pki
from tests.support.waiting import until

SHORT = CONTAINER[:12]


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


@pytest.fixture
def probe() -> Iterator[FakeProbe]:
    made = FakeProbe()
    yield made
    made.end()


@pytest.fixture
async def sensor(pki: Pki) -> AsyncIterator[SignalSink]:
    async with SignalSink(pki).running() as server:
        yield server


async def get(address: tuple[str, int], path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://{address[0]}:{address[1]}{path}")


async def test_signal_arrives_whole_and_the_pages_count_it(
    pki: Pki, probe: FakeProbe, sensor: SignalSink
) -> None:
    async with running_collector(config(pki, sensor.port), probe.open) as app:
        probe.put(record(ancestors=[(7, 3, "/bin/init")]))
        await until(lambda: sensor.of(SHORT))
        await until(lambda: app.stats.sent)
        metrics = await get(app.metrics.addresses[0], "/metrics")
        ready = await get(app.status.addresses[0], "/ready")
        live = await get(app.status.addresses[0], "/live")
    (told,) = sensor.of(SHORT)
    assert (told.name, told.exec_file_path, told.args, told.pid) == ("sh", "/bin/sh", "-c id", 4711)
    assert [(p.parent_uid, p.parent_exec_file_path) for p in told.lineage_info] == [(3, "/bin/init")]
    assert 'rox_collector_events{type="processSent"} 1.0' in metrics.text
    assert (ready.status_code, live.status_code) == (200, 200)
    assert ready.json()["collector"]["sensor_connected"] is True


async def test_signals_in_hand_when_sensor_goes_arrive_once_it_is_back(pki: Pki, probe: FakeProbe) -> None:
    sensor = SignalSink(pki)
    async with AsyncExitStack() as stack:
        async with sensor.running():
            app = await stack.enter_async_context(running_collector(config(pki, sensor.port), probe.open))
            await until(lambda: app.stats.connected)
        await until(lambda: not app.stats.connected)
        probe.put(*(record(pid=number, arguments=b"sh\0%d\0" % number) for number in range(1, 51)))
        await until(lambda: app.stats.received == 50)
        async with sensor.running():
            await until(lambda: len(sensor.of(SHORT)) == 50)
    assert [signal.pid for signal in sensor.of(SHORT)] == list(range(1, 51))
    assert len({signal.id for signal in sensor.signals}) == len(sensor.signals)


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNIMPLEMENTED]
)
async def test_sensor_that_refuses_is_asked_again(pki: Pki, probe: FakeProbe, code: grpc.StatusCode) -> None:
    async with (
        SignalSink(pki, refuse=code).running() as sensor,
        running_collector(config(pki, sensor.port), probe.open) as app,
    ):
        await until(lambda: app.stats.stream_failures >= 2)
        assert not app.stats.connected
        sensor.refuse = None
        await until(lambda: app.stats.connected)
        probe.put(record())
        await until(lambda: sensor.of(SHORT))
    assert [(signal.name, signal.args) for signal in sensor.of(SHORT)] == [("sh", "-c id")]


async def test_sensor_that_cancels_a_running_stream_is_asked_again(pki: Pki, probe: FakeProbe) -> None:
    async with (
        SignalSink(pki).running() as sensor,
        running_collector(config(pki, sensor.port), probe.open) as app,
    ):
        await until(lambda: sensor.streams == 1)
        probe.put(record(arguments=b"sh\0" + CANCEL.encode() + b"\0"))
        await until(lambda: sensor.streams == 2)
        await until(lambda: app.stats.connected)
        probe.put(record(arguments=b"sh\0afterwards\0"))
        await until(lambda: len(sensor.of(SHORT)) == 2)
    assert [signal.args for signal in sensor.of(SHORT)] == [CANCEL, "afterwards"]
    assert app.stats.stream_failures == 1


async def test_stream_whose_channel_was_closed_as_after_a_new_certificate_is_opened_again(
    pki: Pki, probe: FakeProbe
) -> None:
    async with (
        SignalSink(pki).running() as sensor,
        running_collector(config(pki, sensor.port), probe.open) as app,
    ):
        await until(lambda: sensor.streams == 1)
        await app.close()
        await until(lambda: sensor.streams == 2)
        probe.put(record(arguments=b"sh\0afterwards\0"))
        await until(lambda: sensor.of(SHORT))
    assert [signal.args for signal in sensor.of(SHORT)] == ["afterwards"]
    assert app.stats.stream_failures == 1


async def test_sensor_with_a_foreign_certificate_gets_nothing(
    pki: Pki, probe: FakeProbe, tmp_path: Path
) -> None:
    foreign = Pki(tmp_path / "foreign")
    async with (
        SignalSink(foreign).running() as sensor,
        running_collector(config(pki, sensor.port), probe.open) as app,
    ):
        probe.put(record())
        await until(lambda: app.stats.stream_failures >= 2)
    assert sensor.streams == 0
    assert not sensor.signals


async def test_server_that_is_not_sensor_gets_nothing(pki: Pki, probe: FakeProbe) -> None:
    scanner = Subject("SCANNER_V4_SERVICE", "Scanner V4")
    async with (
        SignalSink(pki, subject=scanner).running() as sensor,
        running_collector(config(pki, sensor.port), probe.open) as app,
    ):
        await until(lambda: app.stats.stream_failures >= 2)
    assert sensor.streams == 0


async def test_own_certificate_that_is_missing_is_waited_for(
    pki: Pki, probe: FakeProbe, sensor: SignalSink
) -> None:
    files = pki.files(COLLECTOR)
    key = files.key.read_bytes()
    files.key.unlink()
    async with running_collector(config(pki, sensor.port, files=files), probe.open) as app:
        await until(lambda: app.stats.stream_failures >= 2)
        files.key.write_bytes(key)
        await until(lambda: app.stats.connected)
    assert sensor.callers == [f"COLLECTOR_SERVICE: {CLUSTER_ID}"]


async def test_kernel_that_refuses_leaves_the_process_up_and_not_ready(
    pki: Pki, probe: FakeProbe, sensor: SignalSink
) -> None:
    probe.refuse = "/sys/kernel/btf/vmlinux is missing"
    async with running_collector(config(pki, sensor.port), probe.open) as app:
        await until(lambda: app.stats.connected)
        ready = await get(app.status.addresses[0], "/ready")
        live = await get(app.status.addresses[0], "/live")
        metrics = await get(app.metrics.addresses[0], "/metrics")
    assert (ready.status_code, live.status_code) == (503, 200)
    assert ready.json()["reason"] == "/sys/kernel/btf/vmlinux is missing"
    assert "rox_collector_ebpf_loaded 0.0" in metrics.text


async def test_arguments_are_left_out_when_asked(pki: Pki, probe: FakeProbe, sensor: SignalSink) -> None:
    configuration = config(pki, sensor.port, ROX_COLLECTOR_NO_PROCESS_ARGUMENTS="true")
    async with running_collector(configuration, probe.open):
        probe.put(record())
        await until(lambda: sensor.of(SHORT))
    assert sensor.of(SHORT)[0].args == ""
