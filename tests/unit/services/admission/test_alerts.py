"""Alerts on their way to Sensor."""

from __future__ import annotations

import asyncio

import pytest

from pyrox.errors import Unavailable
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlAlerts
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import Alert
from services.admission import alerts as module
from services.admission.alerts import Alerts
from services.admission.backoff import Pauses
from tests.support.pki import FixedClock
from tests.support.waiting import until


class Sink:
    """Takes alerts, or refuses them as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls: list[AdmissionControlAlerts] = []

    async def send(self, alerts: AdmissionControlAlerts) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable("away")
        self.calls.append(alerts)

    def ids(self) -> list[str]:
        return [one.id for call in self.calls for results in call.alert_results for one in results.alerts]


def alert(
    key: str, deployment: str = "d1", stage: policy_pb2.LifecycleStage.ValueType = policy_pb2.DEPLOY
) -> Alert:
    return Alert(id=key, lifecycle_stage=stage, deployment=Alert.Deployment(id=deployment))


def sender(sink: Sink, clock: FixedClock) -> Alerts:
    return Alerts(send=sink.send, pauses=Pauses(clock=clock, random=lambda: 0.5), metrics=Metrics("test"))


async def run_until(alerts: Alerts, sink: Sink, count: int) -> None:
    task = asyncio.create_task(alerts.run(lambda: None))
    try:
        await until(lambda: len(sink.ids()) >= count)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_alerts_are_grouped_by_deployment_and_stage() -> None:
    sink = Sink()
    alerts = sender(sink, FixedClock())
    alerts.put([alert("a"), alert("b"), alert("c", "d2"), alert("d", stage=policy_pb2.RUNTIME)])
    await run_until(alerts, sink, 4)
    (call,) = sink.calls
    groups = [(results.deployment_id, results.stage, len(results.alerts)) for results in call.alert_results]
    assert groups == [
        ("d1", policy_pb2.DEPLOY, 2),
        ("d2", policy_pb2.DEPLOY, 1),
        ("d1", policy_pb2.RUNTIME, 1),
    ]


async def test_alerts_are_sent_again_after_growing_pauses_until_taken() -> None:
    sink, clock = Sink(failures=3), FixedClock()
    alerts = sender(sink, clock)
    alerts.put([alert("a")])
    await run_until(alerts, sink, 1)
    assert sink.ids() == ["a"]
    assert clock.slept == [10.0, 15.0, 22.5]


async def test_alerts_put_while_sensor_is_away_join_the_staged_ones() -> None:
    sink = Sink(failures=1)
    alerts = sender(sink, FixedClock())
    alerts.put([alert("a")])
    task = asyncio.create_task(alerts.run(lambda: None))
    await until(lambda: sink.failures == 0)
    alerts.put([alert("b")])
    await until(lambda: len(sink.ids()) == 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sorted(sink.ids()) == ["a", "b"]


async def test_alerts_above_the_limit_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STAGED", 2)
    metrics, sink = Metrics("test"), Sink()
    alerts = Alerts(send=sink.send, pauses=Pauses(clock=FixedClock(), random=lambda: 0.5), metrics=metrics)
    alerts.put([alert(str(number)) for number in range(5)])
    await run_until(alerts, sink, 2)
    assert sink.ids() == ["0", "1"]
    assert metrics.registry.get_sample_value("rox_test_alerts_dropped_total") == 3
    alerts.put([alert("later")])
    await run_until(alerts, sink, 3)


async def test_one_call_carries_a_bounded_number_of_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PER_CALL", 2)
    sink = Sink()
    alerts = sender(sink, FixedClock())
    alerts.put([alert(str(number), f"d{number}") for number in range(5)])
    await run_until(alerts, sink, 5)
    assert [len(call.alert_results) for call in sink.calls] == [2, 2, 1]
