"""Central's request to add what this cluster knows to deployments from a YAML check."""

from __future__ import annotations

from pyrox.pb.internalapi.central.deployment_enhancement_pb2 import (
    DeploymentEnhancementMessage,
    DeploymentEnhancementResponse,
)
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from services.sensor.link.outbox import Outbox
from services.sensor.store.resolver import Resolver


class Enhancement:
    """Answers `deployment_enhancement_request`."""

    def __init__(self, *, resolver: Resolver, outbox: Outbox) -> None:
        self._resolver = resolver
        self._outbox = outbox

    def on_request(self, message: MsgToSensor) -> None:
        """Answer with the same id and the enhanced deployments."""
        asked = message.deployment_enhancement_request.msg
        answer = DeploymentEnhancementMessage(id=asked.id, deployments=asked.deployments)
        for deployment in answer.deployments:
            self._resolver.enhance(deployment)
        response = DeploymentEnhancementResponse(msg=answer)
        self._outbox.put(MsgFromSensor(deployment_enhancement_response=response))
