"""`v1.ProcessService`: processes that ran in the containers of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pyrox.errors import Invalid
from pyrox.pb.api.v1 import process_service_pb2, search_service_pb2
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from services.central.baselines.store import BaselineStore
from services.central.processes.grouping import by_name, by_name_and_container
from services.central.processes.store import ProcessStore

_READ = Permissions(read=("DeploymentExtension",))


class ProcessService:
    """`v1.ProcessService`."""

    SERVICE: ClassVar[str] = "v1.ProcessService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "CountProcesses": _READ,
        "GetProcessesByDeployment": _READ,
        "GetGroupedProcessByDeployment": _READ,
        "GetGroupedProcessByDeploymentAndContainer": _READ,
    }

    def __init__(self, *, store: ProcessStore, baselines: BaselineStore) -> None:
        self._store = store
        self._baselines = baselines

    async def CountProcesses(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> process_service_pb2.CountProcessesResponse:
        """How many processes match."""
        count = await self._store.count(request.query, scope=call.scope("DeploymentExtension"))
        return process_service_pb2.CountProcessesResponse(count=count)

    async def GetProcessesByDeployment(
        self, request: process_service_pb2.GetProcessesByDeploymentRequest, call: Call
    ) -> process_service_pb2.GetProcessesResponse:
        """All processes of a deployment, the oldest first."""
        return process_service_pb2.GetProcessesResponse(processes=await self._found(request, call))

    async def GetGroupedProcessByDeployment(
        self, request: process_service_pb2.GetProcessesByDeploymentRequest, call: Call
    ) -> process_service_pb2.GetGroupedProcessesResponse:
        """The processes of a deployment by executable and arguments."""
        found = await self._found(request, call)
        return process_service_pb2.GetGroupedProcessesResponse(groups=by_name(found))

    async def GetGroupedProcessByDeploymentAndContainer(
        self, request: process_service_pb2.GetProcessesByDeploymentRequest, call: Call
    ) -> process_service_pb2.GetGroupedProcessesWithContainerResponse:
        """The same per container, with the verdict of its baseline."""
        found = await self._found(request, call)
        scope = call.scope("DeploymentExtension")
        expected = await self._baselines.expected(request.deployment_id, scope=scope)
        groups = by_name_and_container(found, expected)
        return process_service_pb2.GetGroupedProcessesWithContainerResponse(groups=groups)

    async def _found(
        self, request: process_service_pb2.GetProcessesByDeploymentRequest, call: Call
    ) -> list[ProcessIndicator]:
        if not request.deployment_id:
            raise Invalid.because("Deployment ID must be specified when retrieving processes")
        scope = call.scope("DeploymentExtension")
        return await self._store.of_deployment(request.deployment_id, scope=scope)
