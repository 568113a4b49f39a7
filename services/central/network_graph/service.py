"""`v1.NetworkGraphService`: the graph of flows, and the address ranges that stand in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Protocol, TypeVar

from pyrox.clock import Clock
from pyrox.errors import Invalid, NotFound
from pyrox.pb.api.v1 import common_pb2, empty_pb2
from pyrox.pb.api.v1 import network_graph_service_pb2 as graph_pb2
from pyrox.pb.api.v1.pagination_pb2 import Pagination
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.network_flow_pb2 import NetworkEntity
from pyrox.pb.storage.network_graph_config_pb2 import NetworkGraphConfig
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from pyrox.rpc.scope import Access, Scope
from services.central.network_graph.addresses import id_of, network_of
from services.central.network_graph.entities import EntityStore
from services.central.network_graph.external import ExternalFlows
from services.central.network_graph.settings import GraphSettings
from services.central.network_graph.view import GraphView, Sight, Wish

T = TypeVar("T")
RESOURCE = "NetworkGraph"
Timed = (
    graph_pb2.NetworkGraphRequest
    | graph_pb2.GetExternalNetworkFlowsRequest
    | graph_pb2.GetExternalNetworkFlowsMetadataRequest
)
_READ, _WRITE = Permissions(read=(RESOURCE,)), Permissions(write=(RESOURCE,))
# Upstream: flows of the last five minutes when a request names no time.
DEFAULT_SINCE = timedelta(minutes=5)


class Clusters(Protocol):
    """Clusters by id."""

    async def get(self, cluster_id: str, *, scope: Scope) -> Cluster | None:
        """One cluster."""


class NetworkGraphService:
    """`v1.NetworkGraphService`."""

    SERVICE: ClassVar[str] = "v1.NetworkGraphService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetNetworkGraph": _READ,
        "GetExternalNetworkEntities": _READ,
        "GetExternalNetworkFlows": _READ,
        "GetExternalNetworkFlowsMetadata": _READ,
        "CreateExternalNetworkEntity": _WRITE,
        "PatchExternalNetworkEntity": _WRITE,
        "DeleteExternalNetworkEntity": _WRITE,
        "GetNetworkGraphConfig": Permissions(read=("Administration",)),
        "PutNetworkGraphConfig": Permissions(write=("Administration",)),
    }

    def __init__(
        self,
        *,
        view: GraphView,
        entities: EntityStore,
        settings: GraphSettings,
        clusters: Clusters,
        clock: Clock,
    ) -> None:
        self._view = view
        self._entities = entities
        self._external = ExternalFlows(view=view, entities=entities)
        self._settings = settings
        self._clusters = clusters
        self._clock = clock

    async def GetNetworkGraph(
        self, request: graph_pb2.NetworkGraphRequest, call: Call
    ) -> graph_pb2.NetworkGraph:
        """The deployments that match, what they talked to since a time, and their neighbours."""
        if not request.cluster_id:
            raise Invalid.because("cluster ID must be specified")
        wish = Wish(
            cluster_id=request.cluster_id,
            since=self._since(request),
            around=request.scope.query,
            wanted=request.query,
            ports=request.include_ports,
            policies=request.include_policies,
        )
        return await self._view.graph(wish, _sight(call))

    async def GetExternalNetworkEntities(
        self, request: graph_pb2.GetExternalNetworkEntitiesRequest, call: Call
    ) -> graph_pb2.GetExternalNetworkEntitiesResponse:
        """The address ranges of a cluster."""
        scope = call.scope(RESOURCE)
        found = await self._entities.matching(request.cluster_id, request.query, scope=scope)
        return graph_pb2.GetExternalNetworkEntitiesResponse(entities=found)

    async def GetExternalNetworkFlows(
        self, request: graph_pb2.GetExternalNetworkFlowsRequest, call: Call
    ) -> graph_pb2.GetExternalNetworkFlowsResponse:
        """One range, and the flows of deployments to and from it."""
        wish = Wish(cluster_id=request.cluster_id, since=self._since(request), wanted=request.query)
        entity, flows = await self._external.of_entity(request.entity_id, wish, _sight(call))
        return graph_pb2.GetExternalNetworkFlowsResponse(
            entity=entity.info, flows=_paged(flows, request.pagination), total_flows=len(flows)
        )

    async def GetExternalNetworkFlowsMetadata(
        self, request: graph_pb2.GetExternalNetworkFlowsMetadataRequest, call: Call
    ) -> graph_pb2.GetExternalNetworkFlowsMetadataResponse:
        """The ranges with flows, and how many each has."""
        wish = Wish(cluster_id=request.cluster_id, since=self._since(request), wanted=request.query)
        found = await self._external.per_entity(wish, _sight(call), scope=call.scope(RESOURCE))
        return graph_pb2.GetExternalNetworkFlowsMetadataResponse(
            entities=_paged(found, request.pagination), total_entities=len(found)
        )

    async def CreateExternalNetworkEntity(
        self, request: graph_pb2.CreateNetworkEntityRequest, call: Call
    ) -> NetworkEntity:
        """Name a range."""
        id_of(request.cluster_id, network_of(request.entity.cidr))
        if await self._clusters.get(request.cluster_id, scope=call.scope(RESOURCE)) is None:
            raise NotFound.because(f"cluster {request.cluster_id} not found. It may have been deleted")
        call.require(RESOURCE, Access.READ_WRITE_ACCESS, request.cluster_id)
        return await self._entities.create(request.cluster_id, request.entity)

    async def PatchExternalNetworkEntity(
        self, request: graph_pb2.PatchNetworkEntityRequest, call: Call
    ) -> NetworkEntity:
        """Give a range another name."""
        return await self._entities.rename(request.id, request.name, scope=_writable(call))

    async def DeleteExternalNetworkEntity(
        self, request: common_pb2.ResourceByID, call: Call
    ) -> empty_pb2.Empty:
        """Forget a range."""
        await self._entities.delete(request.id, scope=_writable(call))
        return empty_pb2.Empty()

    async def GetNetworkGraphConfig(self, _: empty_pb2.Empty, __: Call) -> NetworkGraphConfig:
        """The configuration of the graph."""
        return await self._settings.load()

    async def PutNetworkGraphConfig(
        self, request: graph_pb2.PutNetworkGraphConfigRequest, _: Call
    ) -> NetworkGraphConfig:
        """Replace the configuration of the graph."""
        if not request.HasField("config"):
            raise Invalid.because("network graph config must be specified")
        await self._settings.put(request.config)
        return request.config

    def _since(self, request: Timed) -> datetime:
        if not request.HasField("since"):
            return self._clock.now() - DEFAULT_SINCE
        try:
            return request.since.ToDatetime(tzinfo=UTC)
        except (ValueError, OverflowError) as err:
            raise Invalid.because(f"since: {err}") from err


def _sight(call: Call) -> Sight:
    return Sight(
        deployments=call.scope("Deployment"), flows=call.scope(RESOURCE), policies=call.scope("NetworkPolicy")
    )


def _writable(call: Call) -> Scope:
    return call.scope(RESOURCE, Access.READ_WRITE_ACCESS)


def _paged(found: Sequence[T], pagination: Pagination) -> Sequence[T]:
    start = max(pagination.offset, 0)
    return found[start : start + pagination.limit] if pagination.limit > 0 else found[start:]
