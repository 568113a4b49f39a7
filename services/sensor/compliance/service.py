"""What Compliance calls: one stream per node, on which Sensor gives the orders.

It must not know what becomes of what a node says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar, cast

from pyrox import log
from pyrox.errors import Invalid
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.sensor.compliance_iservice_pb2 import MsgFromCompliance, MsgToCompliance
from pyrox.pb.storage.node_pb2 import Node
from pyrox.rpc.authz import Rule, Services
from pyrox.rpc.call import Call
from services.sensor.store.messages import Messages

_LOG = log.get(__name__)
NODE_NAME_HEADER = "rox-compliance-nodename"
# Today's label of control-plane nodes, and the one before it.
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


class ComplianceService:
    """`sensor.ComplianceService`; Compliance shows Collector's certificate."""

    SERVICE: ClassVar[str] = "sensor.ComplianceService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"Communicate": Services.of("COLLECTOR_SERVICE")}

    def __init__(self, *, messages: Messages, metrics: Metrics) -> None:
        self._messages = messages
        self._connected = metrics.gauge("compliance_nodes", "nodes whose Compliance is connected")
        self._ignored = metrics.counter(
            "compliance_messages_ignored", "messages of Compliance that are not served", ["message"]
        )

    async def Communicate(
        self, requests: AsyncIterator[MsgFromCompliance], call: Call
    ) -> AsyncIterator[MsgToCompliance]:
        """Say what is known of the node, then listen until it ends the stream.

        Raises `Invalid` for a stream that names no node.
        """
        node = call.metadata.get(NODE_NAME_HEADER, "")
        if not node:
            raise Invalid(f"compliance did not transmit its node's name in {NODE_NAME_HEADER}")
        yield MsgToCompliance(config=scrape_config(self._node(node)))
        _LOG.info("Compliance connected", node=node)
        self._connected.inc()
        try:
            async for message in requests:
                self._ignored.labels(message.WhichOneof("msg") or "empty").inc()
        finally:
            self._connected.dec()
            _LOG.info("Compliance left", node=node)

    def _node(self, name: str) -> Node | None:
        nodes = (cast("Node", entry.message) for entry in self._messages.entries("node").values())
        return next((node for node in nodes if node.name == name), None)


def scrape_config(node: Node | None) -> MsgToCompliance.ScrapeConfig:
    """What Compliance is told of its node; nothing is known of one that the watch has not seen yet."""
    if node is None:
        return MsgToCompliance.ScrapeConfig()
    return MsgToCompliance.ScrapeConfig(
        container_runtime=node.container_runtime.type,
        is_master_node=any(label in node.labels for label in _CONTROL_PLANE),
    )
