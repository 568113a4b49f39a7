"""What Central does with a Sensor's messages that are not events.

Called by the stream for each of them. A kind that is not served yet is counted, so that
nothing is lost silently.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

from pyrox import log
from pyrox.clock import Clock
from pyrox.mtls.ca import CertificateAuthority
from pyrox.pb.internalapi.central.network_flow_pb2 import NetworkFlowUpdate
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.storage.cluster_pb2 import Cluster, ClusterStatus
from services.central.clusters.health import from_report
from services.central.clusters.store import ClusterStore
from services.central.link import certificates
from services.central.link.connection import Connection
from services.central.link.inbox import EventCounters

_LOG = log.get(__name__)
Handler = Callable[[Connection, MsgFromSensor], Awaitable[None]]


class FlowKeeper(Protocol):
    """Takes network flows."""

    def connected(self, cluster_id: str) -> None:
        """A stream of the cluster was opened."""

    async def apply(self, cluster_id: str, update: NetworkFlowUpdate) -> None:
        """Store the flows of one message."""


class Messages:
    """Handlers by the name of the message's member."""

    def __init__(
        self,
        *,
        clusters: ClusterStore,
        ca: CertificateAuthority,
        flows: FlowKeeper,
        clock: Clock,
        counters: EventCounters,
    ) -> None:
        self._clusters = clusters
        self._ca = ca
        self._flows = flows
        self._clock = clock
        self._counters = counters
        self._handlers: Mapping[str, Handler] = {
            "cluster_health_info": self._health,
            "cluster_status_update": self._status,
            "deployment_enhancement_response": self._enhanced,
            "issue_secured_cluster_certs_request": self._issue,
            "network_flow_update": self._network_flows,
        }

    async def handle(self, connection: Connection, message: MsgFromSensor) -> None:
        """Do what the message asks for."""
        kind = message.WhichOneof("msg") or ""
        handler = self._handlers.get(kind)
        if handler is None:
            self._counters.unhandled(kind)
            return
        await handler(connection, message)

    async def connected(self, connection: Connection) -> None:
        """The stream is open: the Sensor is healthy from now on."""
        self._flows.connected(connection.cluster.id)
        before = await self._clusters.health(connection.cluster.id)
        status = from_report(connection.cluster.id, None, self._clock.now())
        if before is not None:
            before.MergeFrom(status)
            status = before
        await self._clusters.put_health(status)

    async def _health(self, connection: Connection, message: MsgFromSensor) -> None:
        status = from_report(connection.cluster.id, message.cluster_health_info, self._clock.now())
        await self._clusters.put_health(status)
        answer = MsgToSensor()
        answer.cluster_health_response.SetInParent()
        connection.send(answer)

    async def _status(self, connection: Connection, message: MsgFromSensor) -> None:
        update = message.cluster_status_update
        if not update.HasField("status"):
            return
        await self._clusters.change(connection.cluster.id, partial(_report, update.status))

    async def _network_flows(self, connection: Connection, message: MsgFromSensor) -> None:
        await self._flows.apply(connection.cluster.id, message.network_flow_update)

    async def _enhanced(self, connection: Connection, message: MsgFromSensor) -> None:
        request_id = message.deployment_enhancement_response.msg.id
        if not connection.settle(f"enhance:{request_id}", message):
            _LOG.warning("answer that nobody waits for", request=request_id, cluster=connection.cluster.name)

    async def _issue(self, connection: Connection, message: MsgFromSensor) -> None:
        request = message.issue_secured_cluster_certs_request
        answer = MsgToSensor()
        response = answer.issue_secured_cluster_certs_response
        response.request_id = request.request_id
        identification = connection.identification
        namespace = identification.app_namespace if identification is not None else ""
        response.certificates.CopyFrom(certificates.typed_set(self._ca, connection.cluster.id, namespace))
        connection.send(answer)


def _report(status: ClusterStatus, cluster: Cluster) -> None:
    """Take over what a Sensor says of its cluster; what Central itself knows of it stays."""
    known = ClusterStatus()
    known.CopyFrom(cluster.status)
    cluster.status.CopyFrom(status)
    if known.upgrade_status.ByteSize():
        cluster.status.upgrade_status.CopyFrom(known.upgrade_status)
    if known.cert_expiry_status.ByteSize():
        cluster.status.cert_expiry_status.CopyFrom(known.cert_expiry_status)
