"""What is said when a cluster cannot add what it knows to a check."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pyrox.errors import Unavailable
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import Deployment
from services.central.link.connections import Connections


async def no_policies() -> MsgToSensor:
    return MsgToSensor()


class Sensor:
    """A stream whose other end answers at once."""

    def __init__(self, *capabilities: str) -> None:
        self.cluster = Cluster(id="c1", name="lab")
        self.capabilities = frozenset(capabilities)
        self.identification = SimpleNamespace(k8s_node_name="")

    async def ask(self, key: str, message: MsgToSensor, _: float) -> MsgFromSensor:
        asked = message.deployment_enhancement_request.msg
        assert key == f"enhance:{asked.id}"
        answer = MsgFromSensor()
        answer.deployment_enhancement_response.msg.deployments.add(
            name=f"{asked.deployments[0].name}-enhanced"
        )
        return answer


def connections(*sensors: Any) -> Connections:
    made = Connections(metrics=Metrics("central"), policy_sync=no_policies)
    for sensor in sensors:
        made.add(sensor)
    return made


async def test_enhance_without_a_stream_says_that_the_sensor_is_not_connected() -> None:
    with pytest.raises(Unavailable) as caught:
        await connections().enhance("c1", "r", [Deployment(name="d")])
    assert caught.value.message == "the Sensor of cluster c1 is not connected; check without a cluster"


async def test_enhance_by_an_old_sensor_says_that_it_is_too_old() -> None:
    with pytest.raises(Unavailable) as caught:
        await connections(Sensor()).enhance("c1", "r", [Deployment(name="d")])
    assert caught.value.message == (
        "the Sensor of cluster lab is of a release that cannot add what it knows to a check; "
        "upgrade it, or check without a cluster"
    )


async def test_enhance_gives_what_the_sensor_answers() -> None:
    sensors = connections(Sensor("SensorEnhancedDeploymentCheck"))
    found = await sensors.enhance("c1", "r", [Deployment(name="d")])
    assert [deployment.name for deployment in found] == ["d-enhanced"]
