"""Reports about the cluster: status at each connection, health, metrics, compliance operator.

A component with one timer per report (upstream's periods). It must not know the stream
beyond the outbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from google.protobuf.timestamp_pb2 import Timestamp

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.k8s.client import KubeClient
from pyrox.pb.internalapi.central.cluster_metrics_pb2 import ClusterMetrics
from pyrox.pb.internalapi.central.cluster_status_pb2 import (
    ClusterStatusUpdate,
    DeploymentEnvironmentUpdate,
)
from pyrox.pb.internalapi.central.compliance_operator_pb2 import ComplianceOperatorInfo
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor
from pyrox.pb.storage.cluster_pb2 import ClusterStatus, OrchestratorMetadata
from services.sensor.health.services import ServicesHealth
from services.sensor.link.greeting import VERSION
from services.sensor.link.outbox import Outbox
from services.sensor.store.messages import Messages
from services.sensor.store.publish import Publisher

_LOG = log.get(__name__)
_HEALTH_SECONDS, _COMPLIANCE_SECONDS, _METRICS_SECONDS = 30.0, 15.0, 300.0
_VERSION_SECONDS = 10.0
_COMPLIANCE_OPERATOR = "compliance-operator"
_NO_OPERATOR = 'The "compliance-operator" deployment was not found in any namespace.'
# Upstream's word for a cluster whose cloud it does not recognise.
_UNKNOWN_ENVIRONMENT = "~unknown"


class Reports:
    """The component that reports."""

    name = "reports"

    def __init__(
        self,
        *,
        client: KubeClient,
        outbox: Outbox,
        messages: Messages,
        publisher: Publisher,
        services: ServicesHealth,
        clock: Clock,
    ) -> None:
        self._client = client
        self._outbox = outbox
        self._messages = messages
        self._publisher = publisher
        self._services = services
        self._clock = clock
        self._orchestrator = OrchestratorMetadata()
        self._online = asyncio.Event()
        self._connections = 0

    def on_online(self) -> None:
        """Central is there: say how things stand before anything else."""
        self._online.set()
        self._connections += 1
        self._outbox.put(MsgFromSensor(compliance_operator_info=self._compliance_operator()))
        status = ClusterStatus(sensor_version=VERSION, orchestrator_metadata=self._orchestrator)
        self._outbox.put(MsgFromSensor(cluster_status_update=ClusterStatusUpdate(status=status)))
        environment = DeploymentEnvironmentUpdate(environments=[_UNKNOWN_ENVIRONMENT])
        self._outbox.put(
            MsgFromSensor(cluster_status_update=ClusterStatusUpdate(deployment_env_update=environment))
        )

    def on_offline(self) -> None:
        """Central is gone."""
        self._online.clear()

    async def ask_version(self) -> None:
        """Learn the API server's version; called once before the start."""
        try:
            async with asyncio.timeout(_VERSION_SECONDS):
                answer = await self._client.get("/version")
        except (RoxError, TimeoutError) as error:
            _LOG.warning("the API server does not tell its version", error=str(error))
            return
        self._orchestrator.version = str(answer.get("gitVersion") or "")
        stamp = Timestamp()
        try:
            stamp.FromJsonString(str(answer.get("buildDate") or ""))
        except ValueError:
            return
        self._orchestrator.build_date.CopyFrom(stamp)

    async def run(self, ready: Callable[[], None]) -> None:
        """Report until cancelled."""
        ready()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._first_metrics())
            group.create_task(self._every(_HEALTH_SECONDS, self._health))
            group.create_task(self._tell_losses())
            group.create_task(self._every(_COMPLIANCE_SECONDS, self._compliance))
            group.create_task(self._every(_METRICS_SECONDS, self._metrics))

    async def _every(self, seconds: float, report: Callable[[], Awaitable[None]]) -> None:
        """Report with that period, counted from each connection on."""
        while True:
            await self._online.wait()
            connection = self._connections
            await self._clock.sleep(seconds)
            if self._online.is_set() and connection == self._connections:
                await report()

    async def _first_metrics(self) -> None:
        """Once per process, as soon as the nodes are known and Central is there."""
        await self._publisher.synced.wait()
        await self._online.wait()
        await self._metrics()

    async def _tell_losses(self) -> None:
        """Do not wait for the next report when something was lost, but tell of a flood only as often."""
        news = self._services.losses.news
        while True:
            await news.wait()
            await self._online.wait()
            news.clear()
            await self._health()
            await self._clock.sleep(_HEALTH_SECONDS)

    async def _health(self) -> None:
        info = await self._services.ask(nodes=len(self._messages.entries("node")))
        self._outbox.put(MsgFromSensor(cluster_health_info=info))

    async def _compliance(self) -> None:
        self._outbox.put(MsgFromSensor(compliance_operator_info=self._compliance_operator()))

    async def _metrics(self) -> None:
        operator = self._compliance_operator()
        metrics = ClusterMetrics(
            node_count=len(self._messages.entries("node")),
            compliance_operator_version=operator.version if operator.is_installed else "not installed",
        )
        self._outbox.put(MsgFromSensor(cluster_metrics=metrics))

    def _compliance_operator(self) -> ComplianceOperatorInfo:
        for deployment in self._messages.deployments():
            if deployment.name == _COMPLIANCE_OPERATOR and deployment.type == "Deployment":
                return ComplianceOperatorInfo(
                    is_installed=True,
                    namespace=deployment.namespace,
                    version=deployment.labels.get("olm.owner", "").rpartition(".v")[2],
                    total_desired_pods=int(deployment.replicas),
                )
        return ComplianceOperatorInfo(status_error=_NO_OPERATOR)
