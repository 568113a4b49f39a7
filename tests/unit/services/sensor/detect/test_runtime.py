"""Processes that wait for their verdict, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.service import BoundedQueue
from services.sensor.detect.deploytime import DeployDetector
from services.sensor.detect.policies import Policies
from services.sensor.detect.runtime import RuntimeDetector
from services.sensor.health.losses import Cause, Losses, Queue
from services.sensor.link.events import Events, Origin
from services.sensor.link.outbox import Outbox
from services.sensor.runtime.baselines import Baselines
from services.sensor.store.messages import Entry, Messages
from tests.support.pki import FixedClock
from tests.support.waiting import until
from tests.unit.services.sensor.detect.test_deploytime import deployment, policy
from tests.unit.services.sensor.detect.test_images import Scanner, images


def indicator(name: str) -> ProcessIndicator:
    made = ProcessIndicator(id=name, deployment_id="d", container_name="main")
    made.signal.name, made.signal.exec_file_path = name, f"/bin/{name}"
    return made


class Bench:
    """A detector with a queue for two, and what came of it."""

    def __init__(self) -> None:
        self.losses = Losses()
        self.outbox = Outbox(limit=100, kept_limit=100, metrics=Metrics("sensor"))
        self.enforced: list[str] = []
        self.baselines = Baselines()
        self.detector: RuntimeDetector

    def enforce(self, on: Deployment, alerts: Sequence[Alert]) -> None:
        self.enforced += [f"{on.id}: {alert.policy.name}" for alert in alerts]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made, clock, messages, policies = Bench(), FixedClock(), Messages(), Policies()
    made.outbox.go_live()
    messages.put("deployment", "d", Entry(deployment(), Origin("x", "x")), ResourceAction.SYNC_RESOURCE)
    shell = policy("Process Name", "sh")
    shell.lifecycle_stages[:] = [policy_pb2.RUNTIME]
    shell.event_source = policy_pb2.DEPLOYMENT_EVENT
    unexpected = policy("Unexpected Process Executed", "true")
    unexpected.lifecycle_stages[:] = [policy_pb2.RUNTIME]
    unexpected.event_source = policy_pb2.DEPLOYMENT_EVENT
    policies.replace([shell, unexpected])
    events = Events(outbox=made.outbox, clock=clock)
    async with images(Scanner(), clock) as cache:
        on_deploy = DeployDetector(
            policies=policies,
            images=cache,
            messages=messages,
            events=events,
            clock=clock,
            enforce=made.enforce,
        )
        queue: BoundedQueue[ProcessIndicator] = BoundedQueue(name="q", limit=2, metrics=Metrics("sensor"))
        made.detector = RuntimeDetector(
            detector=on_deploy,
            measures=(policies, made.baselines.outside),
            images=cache,
            messages=messages,
            way_out=(events, made.enforce),
            surroundings=(clock, queue, made.losses),
        )
        yield made


async def test_process_that_violates_a_policy_is_told_and_enforced(bench: Bench) -> None:
    bench.detector.judge(indicator("ls"))
    assert len(bench.outbox) == 0
    bench.detector.judge(indicator("sh"))
    (alert,) = (await bench.outbox.take()).event.alert_results.alerts
    assert (alert.policy.name, alert.process_violation.processes[0].id) == ("Process Name", "sh")
    assert bench.enforced == ["d: Process Name"]


async def test_process_outside_of_a_locked_baseline_violates_until_it_is_unlocked(bench: Bench) -> None:
    locked = MsgToSensor()
    baseline = locked.baseline_sync.baselines.add()
    container = deployment().containers[0].name
    baseline.key.deployment_id, baseline.key.container_name = "d", container
    baseline.elements.add().element.process_name = "/bin/expected"
    baseline.user_locked_timestamp.seconds = 1
    bench.baselines.on_baseline_sync(locked, whole=True)
    for path in ("/bin/expected", "/bin/other"):
        ran = indicator("ls")
        ran.container_name, ran.signal.exec_file_path = container, path
        bench.detector.judge(ran)
    assert len(bench.outbox) == 1
    (alert,) = (await bench.outbox.take()).event.alert_results.alerts
    assert alert.policy.name == "Unexpected Process Executed"
    assert alert.process_violation.processes[0].signal.exec_file_path == "/bin/other"
    baseline.ClearField("user_locked_timestamp")
    bench.baselines.on_baseline_sync(locked, whole=False)
    bench.detector.judge(ran)
    assert len(bench.outbox) == 0


async def test_processes_wait_while_central_is_away(bench: Bench) -> None:
    running = asyncio.create_task(bench.detector.run(lambda: None))
    bench.detector.offer(indicator("sh"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(bench.outbox) == 0
    # The one that is next for its verdict has none yet.
    assert bench.losses.holds(Queue.DETECTOR) == 1
    bench.detector.on_online()
    await until(lambda: len(bench.outbox) == 1)
    assert bench.losses.holds(Queue.DETECTOR) == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_process_that_does_not_fit_is_counted_as_lost(bench: Bench) -> None:
    for name in ("one", "two", "three"):
        bench.detector.offer(indicator(name))
    assert (bench.losses.holds(Queue.DETECTOR), bench.losses.count(Cause.FULL)) == (2, 1)
