"""`v1.DeploymentService`: deployments as lists, counts, labels and exports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

from pyrox.errors import NotFound
from pyrox.pb.api.v1 import common_pb2, deployment_service_pb2, empty_pb2, search_service_pb2
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from services.central.baselines.store import BaselineStore
from services.central.deployments.store import DeploymentStore
from services.central.exports import Exports
from services.central.risk.reader import RiskReader

_READ = Permissions(read=("Deployment",))
_WithInfo = deployment_service_pb2.ListDeploymentsWithProcessInfoResponse


class DeploymentService:
    """`v1.DeploymentService`."""

    SERVICE: ClassVar[str] = "v1.DeploymentService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetDeployment": _READ,
        "GetDeploymentWithRisk": _READ,
        "CountDeployments": _READ,
        "ListDeployments": _READ,
        "ListDeploymentsWithProcessInfo": _READ,
        "GetLabels": _READ,
        "ExportDeployments": _READ,
    }

    def __init__(
        self, *, store: DeploymentStore, baselines: BaselineStore, risks: RiskReader, exports: Exports
    ) -> None:
        self._store = store
        self._baselines = baselines
        self._risks = risks
        self._exports = exports

    async def GetDeployment(self, request: common_pb2.ResourceByID, call: Call) -> Deployment:
        """One deployment."""
        found = await self._store.get(request.id, scope=call.scope("Deployment"))
        if found is None:
            raise NotFound.because(f"deployment with id '{request.id}' does not exist")
        return found

    async def GetDeploymentWithRisk(
        self, request: common_pb2.ResourceByID, call: Call
    ) -> deployment_service_pb2.GetDeploymentWithRiskResponse:
        """One deployment with its risk, once that was computed."""
        found = await self.GetDeployment(request, call)
        risk = await self._risks.of_deployment(found.id, scope=call.scope("Deployment"))
        return deployment_service_pb2.GetDeploymentWithRiskResponse(deployment=found, risk=risk)

    async def CountDeployments(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> deployment_service_pb2.CountDeploymentsResponse:
        """How many deployments match."""
        count = await self._store.count(request.query, scope=call.scope("Deployment"))
        return deployment_service_pb2.CountDeploymentsResponse(count=count)

    async def ListDeployments(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> deployment_service_pb2.ListDeploymentsResponse:
        """A page of deployments."""
        found = await self._store.digests(request.query, request.pagination, scope=call.scope("Deployment"))
        return deployment_service_pb2.ListDeploymentsResponse(deployments=found)

    async def ListDeploymentsWithProcessInfo(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> _WithInfo:
        """A page of deployments with the state of their process baselines."""
        found = await self._store.digests(request.query, request.pagination, scope=call.scope("Deployment"))
        statuses = await self._baselines.statuses(
            [deployment.id for deployment in found], scope=call.scope("DeploymentExtension")
        )
        answer = _WithInfo()
        for deployment in found:
            answer.deployments.add(deployment=deployment, baseline_statuses=statuses.get(deployment.id, ()))
        return answer

    async def GetLabels(
        self, _: empty_pb2.Empty, call: Call
    ) -> deployment_service_pb2.DeploymentLabelsResponse:
        """All label keys and values."""
        answer = deployment_service_pb2.DeploymentLabelsResponse()
        labels = await self._store.labels(scope=call.scope("Deployment"))
        for key, values in labels.items():
            answer.labels[key].values.extend(values)
        answer.values.extend(sorted({value for values in labels.values() for value in values}))
        return answer

    async def ExportDeployments(
        self, request: deployment_service_pb2.ExportDeploymentRequest, call: Call
    ) -> AsyncIterator[deployment_service_pb2.ExportDeploymentResponse]:
        """Whole deployments that match, one message each."""
        scope = call.scope("Deployment")
        found = self._exports.stream(
            lambda tx: self._store.walk(request.query, scope=scope, tx=tx), seconds=request.timeout
        )
        async for deployment in found:
            yield deployment_service_pb2.ExportDeploymentResponse(deployment=deployment)
