"""`central.SensorUpgradeControlService`: check-ins of Sensors and upgraders.

Upgrades are Helm's and the Operator's work; an upgrader that another Central once
started is told to clean up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from google.protobuf import empty_pb2

from pyrox import log
from pyrox.pb.internalapi.central import sensor_upgrade_ctrl_iservice_pb2 as pb
from pyrox.rpc.authz import Rule, Services
from pyrox.rpc.call import Call

_LOG = log.get(__name__)
_SENSOR = Services.of("SENSOR_SERVICE")
# Upstream pkg/sensorupgrader: the workflow that removes what an upgrader left.
CLEANUP = "cleanup"


class SensorUpgradeControlService:
    """`central.SensorUpgradeControlService`."""

    SERVICE: ClassVar[str] = "central.SensorUpgradeControlService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "UpgradeCheckInFromUpgrader": _SENSOR,
        "UpgradeCheckInFromSensor": _SENSOR,
    }

    async def UpgradeCheckInFromUpgrader(
        self, request: pb.UpgradeCheckInFromUpgraderRequest, _: Call
    ) -> pb.UpgradeCheckInFromUpgraderResponse:
        """Clean up: no upgrade of this Central's is under way."""
        _LOG.info("upgrader checked in", process=request.upgrade_process_id, cluster=request.cluster_id)
        return pb.UpgradeCheckInFromUpgraderResponse(workflow_to_execute=CLEANUP)

    async def UpgradeCheckInFromSensor(
        self, request: pb.UpgradeCheckInFromSensorRequest, _: Call
    ) -> empty_pb2.Empty:
        """Taken note of."""
        _LOG.info("sensor checked in about an upgrade", process=request.upgrade_process_id)
        return empty_pb2.Empty()
