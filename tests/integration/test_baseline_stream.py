"""Baselines on the link: a real Central with a scripted Sensor, a real Sensor with a scripted Central."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from pyrox.pb.internalapi.central.sensor_events_pb2 import SensorEvent
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.internalapi.sensor.signal_iservice_pb2_grpc import SignalServiceStub
from pyrox.pg.settings import Settings
from tests.integration.test_link_stream import hello, stream
from tests.integration.test_sensor_services import RUNTIME, Site, policy, signal, site  # noqa: F401 - a fixture
from tests.support.central import RunningCentral, running_central
from tests.support.link import ID, event, synced
from tests.support.pki import COLLECTOR
from tests.support.waiting import until

pytestmark = [pytest.mark.timeout(240)]
UNEXPECTED = policy("Unexpected", "Unexpected Process Executed", "true", **RUNTIME)


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[RunningCentral]:
    """A Central that learns for no time and does not wait for further changes."""
    settings = {
        "ROX_SCANNER_V4": "false",
        "ROX_BASELINE_GENERATION_DURATION": "1ms",
        "ROX_RISK_REPROCESSING_INTERVAL": "100ms",
    }
    with running_central(tmp_path_factory.mktemp("central"), database, environment=settings) as running:
        yield running


def ran(path: str, number: int) -> SensorEvent:
    made = SensorEvent(id=ID(number))
    indicator = made.process_indicator
    indicator.id, indicator.deployment_id, indicator.container_name = ID(number), ID(1), "app"
    indicator.namespace, indicator.signal.exec_file_path = "shop", path
    indicator.signal.name = path.rpartition("/")[2]
    return made


async def asked(work: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """The answer as soon as it is as wanted."""
    async with asyncio.timeout(90):
        while True:
            found = await asyncio.to_thread(work)
            if wanted(found):
                return found
            await asyncio.sleep(0.05)


@pytest.mark.needs("postgres")
async def test_central_learns_from_a_sensor_and_tells_it_what_a_user_locked(central: RunningCentral) -> None:
    with central.client() as client:
        body = {"name": f"c-{uuid4()}", "type": "KUBERNETES_CLUSTER"}
        cluster = str(client.post("/v1/clusters", json=body).json()["cluster"]["id"])
        key = {"deploymentId": ID(1), "containerName": "app", "clusterId": cluster, "namespace": "shop"}

        def risk() -> Any:
            return client.get(f"/v1/deploymentswithrisk/{ID(1)}").json()

        def listed() -> str:
            query = {"query": f'Cluster ID:"{cluster}"'}
            return client.get("/v1/deploymentswithprocessinfo", params=query).text

        def lock(*, locked: bool) -> None:
            answer = client.put("/v1/processbaselines/lock", json={"keys": [key], "locked": locked}).json()
            assert answer["errors"] == [], answer

        async with stream(central, cluster, hello()) as sensor:
            first = await sensor.hear("baseline_sync")
            assert list(first.baseline_sync.baselines) == []
            deployment = event("deployment", 1, "web")
            deployment.deployment.namespace = "shop"
            deployment.deployment.containers.add(name="app")
            sensor.say(deployment, synced(), ran("/bin/a", 11))
            await asked(
                lambda: client.get(
                    "/v1/deploymentswithprocessinfo", params={"query": f'Cluster ID:"{cluster}"'}
                ),
                lambda answer: "LOCKED" in answer.text,
            )
            sensor.say(ran("/bin/evil", 12))
            found = await asked(risk, lambda answer: "suspicious" in str(answer))
            names = [one["name"] for one in found["risk"]["results"]]
            assert names == ["Suspicious Process Executions", "Service Configuration"]
            assert found["deployment"]["priority"] == "1"
            await asyncio.to_thread(lock, locked=True)
            told = await sensor.hear("baseline_sync")
            (baseline,) = told.baseline_sync.baselines
            assert baseline.HasField("user_locked_timestamp")
            assert [one.element.process_name for one in baseline.elements] == ["/bin/a"]
        async with stream(central, cluster, hello()) as again:
            greeted = await again.hear("baseline_sync")
            assert list(greeted.baseline_sync.baselines) == [baseline]
            await asyncio.to_thread(lock, locked=False)
            told = await again.hear("baseline_sync")
            assert not told.baseline_sync.baselines[0].HasField("user_locked_timestamp")


async def test_sensor_holds_processes_against_what_central_locked(site: Site) -> None:  # noqa: F811 - the fixture
    deployment = site.central.events("deployment")[0].deployment
    locked = MsgToSensor()
    baseline = locked.baseline_sync.baselines.add()
    baseline.key.deployment_id, baseline.key.container_name = deployment.id, deployment.containers[0].name
    baseline.elements.add().element.process_name = "/bin/expected"
    baseline.user_locked_timestamp.seconds = 1
    site.central.push_policies([UNEXPECTED])
    site.central.send(locked)
    # Sensor takes messages in their order: what it answers last, it has heard all before.
    asked_last = MsgToSensor()
    asked_last.deployment_enhancement_request.msg.id = "last"
    site.central.send(asked_last)
    await until(lambda: any(one.HasField("deployment_enhancement_response") for one in site.central.received))

    def alerts() -> list[str]:
        return [
            alert.process_violation.processes[0].signal.exec_file_path
            for one in site.central.events("alert_results")
            for alert in one.alert_results.alerts
            if alert.policy.id == UNEXPECTED.id
        ]

    async with site.channel(COLLECTOR) as channel:
        call: Any = SignalServiceStub(channel).PushSignals
        pushing = call()
        await pushing.initial_metadata()
        expected, other = signal(name="expected"), signal(name="other")
        expected.signal.process_signal.exec_file_path = "/bin/expected"
        other.signal.process_signal.exec_file_path = "/bin/other"
        await pushing.write(expected)
        await pushing.write(other)
        await until(alerts)
        assert alerts() == ["/bin/other"]
        pushing.cancel()
