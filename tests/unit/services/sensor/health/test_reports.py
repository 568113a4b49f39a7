"""What is reported, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from pyrox.errors import Unavailable
from pyrox.k8s.client import KubeClient
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.node_pb2 import Node
from services.sensor.health.losses import Cause, Losses
from services.sensor.health.reports import Reports
from services.sensor.health.services import ServicesHealth
from services.sensor.link.events import Events, Origin
from services.sensor.link.outbox import Outbox
from services.sensor.store.messages import Entry, Messages
from services.sensor.store.publish import Publisher
from tests.support.pki import FixedClock


class Api:
    """Answers `/version` only."""

    def __init__(self, version: Any) -> None:
        self._version = version

    async def get(self, path: str) -> Any:
        if path == "/version" and not isinstance(self._version, Exception):
            return self._version
        raise Unavailable("x")


class Gate(FixedClock):
    """Sleeps until the test opens the gate; tells who sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.gates: dict[float, asyncio.Event] = {}

    async def sleep(self, seconds: float) -> None:
        await self.gates.setdefault(seconds, asyncio.Event()).wait()
        self.gates[seconds].clear()

    async def open(self, seconds: float) -> None:
        await asyncio.sleep(0.001)
        self.gates[seconds].set()
        await asyncio.sleep(0.001)


class Bench:
    """Reports over an empty store."""

    def __init__(self, version: Any = None) -> None:
        self.outbox = Outbox(limit=100, kept_limit=10, metrics=Metrics("sensor"))
        self.outbox.go_live()
        self.clock = Gate()
        self.losses = Losses()
        self.messages = Messages()
        self.publisher = Publisher(
            messages=self.messages, events=Events(outbox=self.outbox, clock=self.clock)
        )
        client = cast(
            "KubeClient", Api(version or {"gitVersion": "v1.33.13", "buildDate": "2026-01-01T00:00:00Z"})
        )
        self.reports = Reports(
            client=client,
            outbox=self.outbox,
            messages=self.messages,
            publisher=self.publisher,
            services=ServicesHealth(client=client, namespace="stackrox", losses=self.losses),
            clock=self.clock,
        )

    def put(self, arm: str, message: Any) -> None:
        self.messages.put(arm, message.id, Entry(message, Origin("x", "x")), ResourceAction.SYNC_RESOURCE)

    async def sent(self) -> list[Any]:
        return [await self.outbox.take() for _ in range(len(self.outbox))]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    task = asyncio.create_task(made.reports.run(lambda: None))
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_online_tells_status_at_once(bench: Bench) -> None:
    await bench.reports.ask_version()
    bench.reports.on_online()
    info, status, environment = await bench.sent()
    # The text and the environment are those of a recorded conversation.
    assert info.compliance_operator_info.status_error == (
        'The "compliance-operator" deployment was not found in any namespace.'
    )
    assert status.cluster_status_update.status.sensor_version == "4.11.0"
    assert status.cluster_status_update.status.orchestrator_metadata.version == "v1.33.13"
    assert status.cluster_status_update.status.orchestrator_metadata.build_date.seconds == 1767225600
    assert list(environment.cluster_status_update.deployment_env_update.environments) == ["~unknown"]


@pytest.mark.parametrize("version", [Unavailable("gone"), {"gitVersion": "v1", "buildDate": "long ago"}])
async def test_ask_version_odd_answers_leave_what_they_do_not_say_empty(version: Any) -> None:
    bench = Bench(version)
    await bench.reports.ask_version()
    bench.reports.on_online()
    _, status, _ = await bench.sent()
    told = status.cluster_status_update.status.orchestrator_metadata
    assert told.version == ("v1" if isinstance(version, dict) else "")
    assert not told.HasField("build_date")


async def test_health_comes_after_thirty_seconds_of_one_connection(bench: Bench) -> None:
    bench.reports.on_online()
    await bench.sent()
    await bench.clock.open(30.0)
    (health,) = await bench.sent()
    assert health.HasField("cluster_health_info")
    bench.reports.on_offline()
    bench.reports.on_online()
    await bench.sent()
    # This pause began before the reconnect.
    await bench.clock.open(30.0)
    assert await bench.sent() == []
    await bench.clock.open(30.0)
    assert len(await bench.sent()) == 1


async def test_losses_are_told_at_once_then_only_with_every_report(bench: Bench) -> None:
    bench.losses.lost(Cause.FULL)
    await asyncio.sleep(0.001)
    assert await bench.sent() == []
    bench.reports.on_online()
    await asyncio.sleep(0.001)
    health = (await bench.sent())[-1].cluster_health_info
    assert "1 came when a queue was full" in health.collector_health_info.status_errors[-1]
    bench.losses.lost(Cause.FULL)
    await asyncio.sleep(0.001)
    assert await bench.sent() == []
    await bench.clock.open(30.0)
    reports = [message.cluster_health_info for message in await bench.sent()]
    assert {one.collector_health_info.status_errors[-1] for one in reports} == {
        "runtime events lost: 2 came when a queue was full; see rox_sensor_runtime_events_lost"
    }


async def test_metrics_come_once_the_nodes_are_known(bench: Bench) -> None:
    bench.reports.on_online()
    await bench.sent()
    bench.put("node", Node(id="n"))
    bench.publisher.synced.set()
    await asyncio.sleep(0.001)
    (message,) = await bench.sent()
    metrics = message.cluster_metrics
    assert (metrics.node_count, metrics.compliance_operator_version) == (1, "not installed")


async def test_compliance_operator_installed_is_told(bench: Bench) -> None:
    labels = {"olm.owner": "compliance-operator.v1.6.0"}
    bench.put(
        "deployment",
        Deployment(id="d", name="compliance-operator", type="Deployment", namespace="co", labels=labels),
    )
    bench.reports.on_online()
    info = (await bench.sent())[0].compliance_operator_info
    assert (info.is_installed, info.namespace, info.version) == (True, "co", "1.6.0")
