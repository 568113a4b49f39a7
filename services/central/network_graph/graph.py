"""The graph of the answer: nodes in the order they were added, edges by the index of their end; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from pyrox.pb.api.v1.network_graph_service_pb2 import NetworkGraph, NetworkNode
from pyrox.pb.storage.deployment_pb2 import ListDeployment
from pyrox.pb.storage.network_flow_pb2 import NetworkEntityInfo
from services.central.network_graph.flow import Entity, Flow


class GraphBuilder:
    """Adds deployments first, then flows between them and the outside."""

    def __init__(self, *, info: Callable[[Entity], NetworkEntityInfo], now: datetime) -> None:
        self._info = info
        self._now = now
        self._graph = NetworkGraph()
        self._index: dict[Entity, int] = {}

    def add_deployments(self, deployments: Iterable[ListDeployment], *, matched: bool) -> None:
        """Add nodes; `matched` are those that the request asks for, the others are their neighbours."""
        for deployment in deployments:
            entity = Entity(NetworkEntityInfo.DEPLOYMENT, deployment.id)
            if entity in self._index:
                continue
            node = self._add(entity, deployment_info(deployment))
            node.query_match = matched

    def add_flows(self, flows: Iterable[Flow], *, ports: bool) -> None:
        """Add edges. A flow of a deployment that is not in the graph is left out."""
        for flow in flows:
            source, target = flow.key.source, flow.key.target
            if target.type == NetworkEntityInfo.LISTEN_ENDPOINT:
                if ports and source in self._index:
                    self._listens(flow)
            elif all(not end.deployment or end in self._index for end in (source, target)):
                self._connect(flow)

    def build(self) -> NetworkGraph:
        """The graph."""
        return self._graph

    def _add(self, entity: Entity, info: NetworkEntityInfo) -> NetworkNode:
        self._index[entity] = len(self._graph.nodes)
        return self._graph.nodes.add(entity=info)

    def _node(self, entity: Entity) -> NetworkNode:
        if entity not in self._index:
            return self._add(entity, self._info(entity))
        return self._graph.nodes[self._index[entity]]

    def _listens(self, flow: Flow) -> None:
        info = self._node(flow.key.source).entity
        info.deployment.listen_ports.add(port=flow.key.port, l4protocol=flow.key.protocol)

    def _connect(self, flow: Flow) -> None:
        source = self._node(flow.key.source)
        self._node(flow.key.target)
        edges = source.out_edges[self._index[flow.key.target]]
        edge = edges.properties.add(port=flow.key.port, protocol=flow.key.protocol)
        edge.last_active_timestamp.FromDatetime(flow.last_seen or self._now)


def deployment_info(deployment: ListDeployment) -> NetworkEntityInfo:
    """What a deployment is shown as."""
    made = NetworkEntityInfo(type=NetworkEntityInfo.DEPLOYMENT, id=deployment.id)
    made.deployment.name, made.deployment.namespace = deployment.name, deployment.namespace
    made.deployment.cluster = deployment.cluster
    return made
