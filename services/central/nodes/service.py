"""`v1.NodeService`: the nodes of secured clusters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

from pyrox.errors import NotFound
from pyrox.pb.api.v1 import node_service_pb2
from pyrox.pb.storage.node_pb2 import Node
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from services.central.exports import Exports
from services.central.nodes.store import NodeStore

_READ = Permissions(read=("Node",))


class NodeService:
    """`v1.NodeService`."""

    SERVICE: ClassVar[str] = "v1.NodeService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"ListNodes": _READ, "GetNode": _READ, "ExportNodes": _READ}

    def __init__(self, *, store: NodeStore, exports: Exports) -> None:
        self._store = store
        self._exports = exports

    async def ListNodes(
        self, request: node_service_pb2.ListNodesRequest, call: Call
    ) -> node_service_pb2.ListNodesResponse:
        """The nodes of one cluster."""
        found = await self._store.of_cluster(request.cluster_id, scope=call.scope("Node"))
        return node_service_pb2.ListNodesResponse(nodes=found)

    async def GetNode(self, request: node_service_pb2.GetNodeRequest, call: Call) -> Node:
        """One node of one cluster."""
        found = await self._store.get(request.node_id, scope=call.scope("Node"))
        if found is None or found.cluster_id != request.cluster_id:
            raise NotFound.because(
                f'node "{request.node_id}" in cluster "{request.cluster_id}" does not exist'
            )
        return found

    async def ExportNodes(
        self, request: node_service_pb2.ExportNodeRequest, call: Call
    ) -> AsyncIterator[node_service_pb2.ExportNodeResponse]:
        """Nodes that match, one message each."""
        scope = call.scope("Node")
        found = self._exports.stream(
            lambda tx: self._store.walk(request.query, scope=scope, tx=tx), seconds=request.timeout
        )
        async for node in found:
            yield node_service_pb2.ExportNodeResponse(node=node)
