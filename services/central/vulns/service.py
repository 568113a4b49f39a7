"""`v1.VulnMgmtService`: workloads with their images, for vulnerability management elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

from pyrox.pb.api.v1 import vuln_mgmt_service_pb2
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from services.central.exports import Exports
from services.central.vulns.store import WorkloadStore


class VulnMgmtService:
    """`v1.VulnMgmtService`."""

    SERVICE: ClassVar[str] = "v1.VulnMgmtService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "VulnMgmtExportWorkloads": Permissions(read=("Deployment", "Image"))
    }

    def __init__(self, *, store: WorkloadStore, exports: Exports) -> None:
        self._store = store
        self._exports = exports

    async def VulnMgmtExportWorkloads(
        self, request: vuln_mgmt_service_pb2.VulnMgmtExportWorkloadsRequest, call: Call
    ) -> AsyncIterator[vuln_mgmt_service_pb2.VulnMgmtExportWorkloadsResponse]:
        """Deployments that match with their images and live pods, one message each."""
        deployments, images = call.scope("Deployment"), call.scope("Image")
        found = self._exports.stream(
            lambda tx: self._store.walk(request.query, deployments=deployments, images=images, tx=tx),
            seconds=request.timeout,
        )
        async for workload in found:
            yield vuln_mgmt_service_pb2.VulnMgmtExportWorkloadsResponse(
                deployment=workload.deployment, images=workload.images, live_pods=workload.live_pods
            )
