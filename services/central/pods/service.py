"""`v1.PodService`: pods as lists and exports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

from pyrox.pb.api.v1 import pod_service_pb2, search_service_pb2
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from services.central.exports import Exports
from services.central.pods.store import PodStore

_READ = Permissions(read=("Deployment",))


class PodService:
    """`v1.PodService`; pods belong to the resource of deployments."""

    SERVICE: ClassVar[str] = "v1.PodService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"GetPods": _READ, "ExportPods": _READ}

    def __init__(self, *, store: PodStore, exports: Exports) -> None:
        self._store = store
        self._exports = exports

    async def GetPods(self, request: search_service_pb2.RawQuery, call: Call) -> pod_service_pb2.PodsResponse:
        """A page of pods."""
        found = await self._store.find(request.query, request.pagination, scope=call.scope("Deployment"))
        return pod_service_pb2.PodsResponse(pods=found)

    async def ExportPods(
        self, request: pod_service_pb2.ExportPodRequest, call: Call
    ) -> AsyncIterator[pod_service_pb2.ExportPodResponse]:
        """Pods that match, one message each."""
        scope = call.scope("Deployment")
        found = self._exports.stream(
            lambda tx: self._store.walk(request.query, scope=scope, tx=tx), seconds=request.timeout
        )
        async for pod in found:
            yield pod_service_pb2.ExportPodResponse(pod=pod)
