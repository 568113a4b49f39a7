"""Flows of a cluster's deployments to address ranges, for lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pyrox.errors import NotFound
from pyrox.pb.api.v1.network_graph_service_pb2 import ExternalNetworkFlowMetadata
from pyrox.pb.storage.deployment_pb2 import ListDeployment
from pyrox.pb.storage.network_flow_pb2 import NetworkEntity, NetworkEntityInfo, NetworkFlow
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.network_graph.addresses import Ranges
from services.central.network_graph.entities import EntityStore
from services.central.network_graph.flow import Entity, Flow
from services.central.network_graph.graph import deployment_info
from services.central.network_graph.view import GraphView, Sight, Wish


class ExternalFlows:
    """Lists flows to and from address ranges."""

    def __init__(self, *, view: GraphView, entities: EntityStore) -> None:
        self._view = view
        self._entities = entities

    async def of_entity(
        self, entity_id: str, wish: Wish, sight: Sight
    ) -> tuple[NetworkEntity, list[NetworkFlow]]:
        """A range and its flows, by source. Raises `NotFound`."""
        found = await self._entities.of_cluster(wish.cluster_id, scope=EVERYTHING)
        entity = next((entity for entity in found if entity.info.id == entity_id), None)
        if entity is None:
            raise NotFound
        return entity, await self._flows([entity], wish, sight)

    async def per_entity(
        self, wish: Wish, sight: Sight, *, scope: Scope
    ) -> list[ExternalNetworkFlowMetadata]:
        """The ranges that match and have flows, by id, with the number of their flows."""
        entities = await self._entities.matching(wish.cluster_id, wish.wanted, scope=scope)
        flows = await self._flows(entities, wish, sight)
        ends = (end for flow in flows for end in (flow.props.src_entity, flow.props.dst_entity))
        counts = Counter(end.id for end in ends if end.type == NetworkEntityInfo.EXTERNAL_SOURCE)
        return [
            ExternalNetworkFlowMetadata(entity=entity.info, flowsCount=counts[entity.info.id])
            for entity in entities
            if entity.info.id in counts
        ]

    async def _flows(self, entities: Sequence[NetworkEntity], wish: Wish, sight: Sight) -> list[NetworkFlow]:
        mine = {found.id: found for found in await self._view.deployments(wish, sight)}
        ranges = Ranges(entities)
        flows = await self._view.flows_of(wish, mine, sight) if mine else []
        shown = [
            _to_flow(flow, wish.cluster_id, mine, ranges)
            for flow in flows
            if any(ranges.get(end.id) is not None for end in (flow.key.source, flow.key.target))
        ]
        return sorted(shown, key=lambda flow: flow.props.src_entity.id)


def _to_flow(flow: Flow, cluster_id: str, mine: Mapping[str, ListDeployment], ranges: Ranges) -> NetworkFlow:
    def info(end: Entity) -> NetworkEntityInfo:
        return deployment_info(mine[end.id]) if end.id in mine else ranges.info(end)

    made = NetworkFlow(cluster_id=cluster_id)
    made.props.src_entity.CopyFrom(info(flow.key.source))
    made.props.dst_entity.CopyFrom(info(flow.key.target))
    made.props.dst_port, made.props.l4protocol = flow.key.port, flow.key.protocol
    if flow.last_seen is not None:
        made.last_seen_timestamp.FromDatetime(flow.last_seen)
    return made
