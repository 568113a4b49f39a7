"""The graph that one caller sees: the deployments it asks for and their flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pyrox.clock import Clock
from pyrox.errors import Internal
from pyrox.pb.api.v1.network_graph_service_pb2 import NetworkGraph
from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment
from pyrox.pb.storage.network_flow_pb2 import NetworkEntityInfo
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.store import ListedStore, ListForm, ProtoStore
from services.central.deployments.digest import digest
from services.central.network_graph import isolation
from services.central.network_graph.addresses import Ranges
from services.central.network_graph.aggregate import Aggregated, aggregate
from services.central.network_graph.entities import EntityStore
from services.central.network_graph.flow import Entity, Flow
from services.central.network_graph.flows import FlowStore
from services.central.network_graph.graph import GraphBuilder
from services.central.network_graph.masking import masked

# Upstream ROX_MAX_DEPLOYMENTS_NETWORK_GRAPH.
MAX_DEPLOYMENTS = 2000


@dataclass(frozen=True, slots=True)
class Sight:
    """What the caller may see of each resource."""

    deployments: Scope
    flows: Scope
    policies: Scope


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asks for."""

    cluster_id: str
    since: datetime
    around: str = ""
    """The search for the deployments among which neighbours are looked for."""
    wanted: str = ""
    """The search for the deployments themselves, among those."""
    ports: bool = False
    policies: bool = False


@dataclass(slots=True)
class Neighbours:
    """Deployments at the other end of a flow."""

    visible: dict[str, ListDeployment] = field(default_factory=dict)
    masked: Mapping[str, ListDeployment] = field(default_factory=dict)


def _around(wish: Wish) -> Query:
    return Query.exact("Cluster ID", wish.cluster_id) & Query.parse(wish.around)


class GraphView:
    """Makes graphs."""

    def __init__(self, *, pool: Pool, flows: FlowStore, entities: EntityStore, clock: Clock) -> None:
        self._deployments = ListedStore(
            pool=pool, table=tables.DEPLOYMENTS, list_form=ListForm(ListDeployment, digest)
        )
        self._policies: ProtoStore[NetworkPolicy] = ProtoStore(pool=pool, table=tables.NETWORK_POLICIES)
        self._flows = flows
        self._entities = entities
        self._clock = clock

    async def graph(self, wish: Wish, sight: Sight) -> NetworkGraph:
        """The graph. Raises `Internal` when it would be too big to be drawn."""
        wanted = await self.deployments(wish, sight)
        if not wanted:
            return NetworkGraph()
        mine = {deployment.id: deployment for deployment in wanted}
        ranges = Ranges(await self._entities.of_cluster(wish.cluster_id, scope=EVERYTHING))
        found = aggregate(await self.flows_of(wish, mine, sight), ranges)
        near = await self._neighbours(wish, found.flows, mine, sight)
        builder = self._builder(found, ranges)
        builder.add_deployments(wanted, matched=True)
        builder.add_deployments(near.visible.values(), matched=False)
        builder.add_deployments(near.masked.values(), matched=False)
        builder.add_flows(_disguised(found.flows, near.masked), ports=wish.ports)
        graph = builder.build()
        if wish.policies:
            await self._isolate(graph, wish, sight)
        return graph

    async def deployments(self, wish: Wish, sight: Sight) -> list[ListDeployment]:
        """The deployments that the caller asks for. Raises `Invalid` for a bad search."""
        wanted = _around(wish) & Query.parse(wish.wanted)
        count = await self._deployments.count(wanted, scope=sight.deployments)
        if count > MAX_DEPLOYMENTS:
            raise Internal(
                f"number of deployments ({count}) exceeds maximum allowed for Network Graph: "
                f"{MAX_DEPLOYMENTS}"
            )
        return await self._deployments.digests(wanted, scope=sight.deployments)

    async def flows_of(self, wish: Wish, mine: Mapping[str, ListDeployment], sight: Sight) -> list[Flow]:
        """The flows of those deployments whose flows the caller may see."""
        shown = {id_ for id_, found in mine.items() if sight.flows.allows(wish.cluster_id, found.namespace)}
        flows = await self._flows.since(wish.cluster_id, wish.since)
        return [flow for flow in flows if flow.key.source.id in shown or flow.key.target.id in shown]

    async def _neighbours(
        self, wish: Wish, flows: Sequence[Flow], mine: Mapping[str, ListDeployment], sight: Sight
    ) -> Neighbours:
        ends = (end for flow in flows for end in (flow.key.source, flow.key.target))
        missing = {end.id for end in ends if end.deployment and end.id not in mine}
        if not missing:
            return Neighbours()
        query = _around(wish) & Query.exact("Deployment ID", *sorted(missing))
        visible = await self._deployments.digests(query, scope=sight.deployments)
        near = Neighbours(visible={found.id: found for found in visible})
        everywhere = await self._deployments.digests(query, scope=EVERYTHING)
        near.masked = masked(found for found in everywhere if found.id not in near.visible)
        return near

    def _builder(self, found: Aggregated, ranges: Ranges) -> GraphBuilder:
        def info(entity: Entity) -> NetworkEntityInfo:
            return found.made.get(entity) or ranges.info(entity)

        return GraphBuilder(info=info, now=self._clock.now())

    async def _isolate(self, graph: NetworkGraph, wish: Wish, sight: Sight) -> None:
        ids = [node.entity.id for node in graph.nodes if node.entity.type == NetworkEntityInfo.DEPLOYMENT]
        deployments: list[Deployment] = await self._deployments.get_many(ids, scope=sight.deployments)
        here = Query.exact("Cluster ID", wish.cluster_id)
        isolation.mark(graph, deployments, await self._policies.find(here, scope=sight.policies))


def _disguised(flows: Sequence[Flow], hidden: Mapping[str, ListDeployment]) -> list[Flow]:
    def shown(end: Entity) -> Entity:
        return Entity(end.type, hidden[end.id].id) if end.id in hidden else end

    return [
        Flow(flow.key._replace(source=shown(flow.key.source), target=shown(flow.key.target)), flow.last_seen)
        for flow in flows
    ]
