"""Check-ins of Sensors and upgraders: nothing is under way, leftovers go."""

from __future__ import annotations

import pytest
from google.protobuf.empty_pb2 import Empty

from pyrox.errors import NoCredentials, NotAuthorized
from pyrox.pb.internalapi.central import sensor_upgrade_ctrl_iservice_pb2 as pb
from pyrox.rpc.call import Call, Identity
from pyrox.rpc.methods import table
from pyrox.rpc.scope import FullGrants
from services.central.upgrades.service import SensorUpgradeControlService
from tests.support.routes import service

METHODS = table([SensorUpgradeControlService()])
SENSOR = Call(method="/", identity=service("SENSOR_SERVICE"))


async def test_upgrader_is_told_to_clean_up() -> None:
    request = pb.UpgradeCheckInFromUpgraderRequest(upgrade_process_id="p", cluster_id="c")
    answer = await METHODS["/central.SensorUpgradeControlService/UpgradeCheckInFromUpgrader"].unary(
        request, SENSOR
    )
    assert answer == pb.UpgradeCheckInFromUpgraderResponse(workflow_to_execute="cleanup")


async def test_sensor_is_heard() -> None:
    method = METHODS["/central.SensorUpgradeControlService/UpgradeCheckInFromSensor"]
    assert await method.unary(pb.UpgradeCheckInFromSensorRequest(), SENSOR) == Empty()


@pytest.mark.parametrize("path", METHODS)
async def test_nobody_else_checks_in(path: str) -> None:
    method = METHODS[path]
    for who, kind in (
        (Identity(), NoCredentials),
        (Identity(uid="admin", grants=FullGrants()), NotAuthorized),
        (service("COLLECTOR_SERVICE"), NotAuthorized),
    ):
        with pytest.raises(kind):
            await method.unary(method.request(), Call(method=path, identity=who))
