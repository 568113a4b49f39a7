"""Flows from a Sensor's message to the graph that a user sees, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from pyrox.errors import AlreadyExists, Invalid, NotAuthorized, NotFound
from pyrox.metrics import Metrics
from pyrox.pb.api.v1 import common_pb2, empty_pb2
from pyrox.pb.api.v1 import network_graph_service_pb2 as graph_pb2
from pyrox.pb.internalapi.central.network_flow_pb2 import NetworkFlowUpdate
from pyrox.pb.storage.network_flow_pb2 import NetworkEntity, NetworkEntityInfo
from pyrox.pg.pool import Pool
from pyrox.rpc.call import Call
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.clusters.store import ClusterStore
from services.central.network_graph.entities import EntityStore
from services.central.network_graph.flow import INTERNET, Entity, Flow
from services.central.network_graph.flows import FlowStore
from services.central.network_graph.service import NetworkGraphService
from services.central.network_graph.settings import CHANNEL, EVERY_CLUSTER, GraphSettings
from services.central.network_graph.updates import FlowUpdates
from services.central.network_graph.view import GraphView
from tests.support.callers import ADMIN, limited
from tests.support.fleet import BLUE, GREEN, RED, Fleet, Place
from tests.support.network_flows import TCP, deployed, flow, sent
from tests.support.pki import FixedClock

pytestmark = pytest.mark.needs("postgres")
HERE = RED.cluster_id
RESOURCES = ("NetworkGraph", "Deployment", "NetworkPolicy")


def web(place: Place) -> Entity:
    """The deployment of a place."""
    return deployed(place.id("deployment"))


class Site:
    """The domain as Central's composition root makes it."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.clock = pool, FixedClock()
        self.flows = FlowStore(pool=pool)
        settings = GraphSettings(pool=pool)
        self.entities = EntityStore(pool=pool, settings=settings)
        self.metrics = Metrics("central")
        self.updates = FlowUpdates(
            pool=pool, flows=self.flows, entities=self.entities, clock=self.clock, metrics=self.metrics
        )
        self.service = NetworkGraphService(
            view=GraphView(pool=pool, flows=self.flows, entities=self.entities, clock=self.clock),
            entities=self.entities,
            settings=settings,
            clusters=ClusterStore(pool=pool, on_change=lambda: None),
            clock=self.clock,
        )

    async def notices(self) -> list[list[str]]:
        """Whose Sensors are to be told of ranges, change by change."""
        sql = "SELECT ids FROM notices WHERE channel = $1 ORDER BY id"
        return [list(row["ids"]) for row in await self.pool.fetch(sql, CHANNEL)]

    async def tell(self, *flows: Flow, discovered: str = "", late: timedelta = timedelta()) -> None:
        """A Sensor's message; its clock is that much behind Central's."""
        update = NetworkFlowUpdate(updated=[sent(one, discovered=discovered) for one in flows])
        update.time.FromDatetime(self.clock.now() - late)
        await self.updates.apply(HERE, update)

    async def graph(
        self, query: str = "", call: Call = ADMIN, *, ports: bool = False, policies: bool = False
    ) -> graph_pb2.NetworkGraph:
        """The graph of the first cluster."""
        request = graph_pb2.NetworkGraphRequest(
            cluster_id=HERE, query=query, include_ports=ports, include_policies=policies
        )
        return await self.service.GetNetworkGraph(request, call)

    async def name(self, cidr: str, name: str, call: Call = ADMIN) -> NetworkEntity:
        """Name a range."""
        request = graph_pb2.CreateNetworkEntityRequest(cluster_id=HERE)
        request.entity.cidr, request.entity.name = cidr, name
        return await self.service.CreateExternalNetworkEntity(request, call)


@pytest.fixture
async def site(central_pool: Pool) -> Site:
    await central_pool.execute("TRUNCATE network_flows, network_entities, network_graph_configs, notices")
    fleet = Fleet(central_pool)
    await fleet.clear()
    await fleet.write()
    return Site(central_pool)


def name_of(info: NetworkEntityInfo) -> str:
    return info.deployment.name or info.external_source.name


def edges(graph: graph_pb2.NetworkGraph) -> set[tuple[str, str, int]]:
    """Source, target and port of every edge."""
    return {
        (name_of(node.entity), name_of(graph.nodes[index].entity), edge.port)
        for node in graph.nodes
        for index, bundle in node.out_edges.items()
        for edge in bundle.properties
    }


async def test_flows_of_a_message_are_edges_and_ports(site: Site) -> None:
    await site.tell(flow(web(RED), web(BLUE), 5432), flow(INTERNET, web(RED)))
    listening = NetworkFlowUpdate()
    endpoint = listening.updated_endpoints.add().props
    endpoint.entity.type, endpoint.entity.id = web(BLUE)
    endpoint.port, endpoint.l4protocol = 5432, TCP
    await site.updates.apply(HERE, listening)
    graph = await site.graph(ports=True)
    assert edges(graph) == {("red-web", "blue-web", 5432), ("External Entities", "red-web", 443)}
    ports = {name_of(node.entity): len(node.entity.deployment.listen_ports) for node in graph.nodes}
    assert ports == {"red-web": 0, "blue-web": 1, "External Entities": 0}


async def test_query_matches_deployments_and_shows_their_neighbours(site: Site) -> None:
    await site.tell(flow(web(RED), web(BLUE)))
    graph = await site.graph("Namespace:red")
    assert {(name_of(node.entity), node.query_match) for node in graph.nodes} == {
        ("red-web", True),
        ("blue-web", False),
    }
    assert not (await site.graph("Namespace:nowhere")).nodes


async def test_flow_that_ended_long_ago_is_not_shown(site: Site) -> None:
    ended = site.clock.now() - timedelta(minutes=6)
    await site.tell(flow(web(RED), web(BLUE), 80, seen=ended), flow(web(RED), web(BLUE), 443))
    assert edges(await site.graph()) == {("red-web", "blue-web", 443)}
    request = graph_pb2.NetworkGraphRequest(cluster_id=HERE)
    request.since.FromDatetime(ended)
    assert len(edges(await site.service.GetNetworkGraph(request, ADMIN))) == 2


async def test_times_are_told_on_centrals_clock(site: Site) -> None:
    late = timedelta(minutes=10)
    await site.tell(flow(web(RED), web(BLUE), seen=site.clock.now() - late), late=late)
    found = await site.flows.since(HERE, site.clock.now() - timedelta(seconds=1))
    assert [one.last_seen for one in found] == [site.clock.now()]


async def test_first_message_of_a_stream_ends_what_it_leaves_out(site: Site) -> None:
    site.updates.connected(HERE)
    await site.tell(flow(web(RED), web(BLUE), 80), flow(web(RED), web(BLUE), 443))
    first = site.clock.now()
    site.clock.moment += timedelta(minutes=1)
    await site.tell(flow(web(BLUE), web(RED), 1))
    site.clock.moment += timedelta(minutes=1)
    site.updates.connected(HERE)
    await site.tell(flow(web(RED), web(BLUE), 443))
    found = {one.key.port: one.last_seen for one in await site.flows.since(HERE, first)}
    ended = first + timedelta(minutes=1)
    assert found == {80: ended, 443: None, 1: ended}


async def test_named_range_stands_in_the_graph_and_the_next_stream_knows_it(site: Site) -> None:
    made = await site.name("10.1.2.3/8", "data centre")
    assert made.info.id == f"{HERE}__MTAuMC4wLjAvOA"
    assert await site.notices() == [[HERE]]
    unknown = Entity(
        NetworkEntityInfo.EXTERNAL_SOURCE, made.info.id.replace("MTAuMC4wLjAvOA", "MTAuMS4wLjAvMTY")
    )
    await site.tell(flow(web(RED), Entity(made.info.type, made.info.id)), flow(unknown, web(RED), 80))
    assert edges(await site.graph()) == {("red-web", "data centre", 443), ("data centre", "red-web", 80)}
    pushed = await site.entities.request(HERE, 7)
    assert (pushed.seqID, [entity.id for entity in pushed.entities]) == (7, [made.info.id])


async def test_range_is_renamed_and_forgotten(site: Site) -> None:
    made = await site.name("10.0.0.0/8", "")
    assert made.info.external_source.name == "10.0.0.0/8"
    renamed = await site.service.PatchExternalNetworkEntity(
        graph_pb2.PatchNetworkEntityRequest(id=made.info.id, name="own"), ADMIN
    )
    assert renamed.info.external_source.name == "own"
    with pytest.raises(AlreadyExists, match=r"\(CIDR=10.0.0.0/8\) already exists"):
        await site.name("10.0.0.0/8", "twice")
    await site.service.DeleteExternalNetworkEntity(common_pb2.ResourceByID(id=made.info.id), ADMIN)
    assert await site.notices() == [[HERE]] * 3
    with pytest.raises(NotFound, match=r"network entity .* not found"):
        await site.service.DeleteExternalNetworkEntity(common_pb2.ResourceByID(id=made.info.id), ADMIN)


@pytest.mark.parametrize(
    ("cluster", "cidr", "error", "message"),
    [
        (HERE, "nothing", Invalid, "CIDR nothing is invalid: invalid arguments"),
        ("", "10.0.0.0/8", Invalid, "cluster ID must be specified: invalid arguments"),
        (
            "00000000-0000-4000-8000-000000000000",
            "10.0.0.0/8",
            NotFound,
            "cluster 00000000-0000-4000-8000-000000000000 not found. It may have been deleted: not found",
        ),
    ],
)
async def test_range_that_cannot_be_is_refused(
    site: Site, cluster: str, cidr: str, error: type[Invalid], message: str
) -> None:
    request = graph_pb2.CreateNetworkEntityRequest(cluster_id=cluster)
    request.entity.cidr = cidr
    with pytest.raises(error) as refused:
        await site.service.CreateExternalNetworkEntity(request, ADMIN)
    assert refused.value.message == message
    assert not await site.notices()


async def test_seen_address_is_the_internet_until_a_user_names_it(site: Site) -> None:
    seen = Entity(NetworkEntityInfo.EXTERNAL_SOURCE, "of another cluster")
    await site.tell(flow(web(RED), seen), discovered="8.8.8.8/32")
    assert edges(await site.graph()) == {("red-web", "External Entities", 443)}
    assert not (await site.entities.request(HERE, 1)).entities
    request = graph_pb2.GetExternalNetworkFlowsMetadataRequest(cluster_id=HERE)
    listed = await site.service.GetExternalNetworkFlowsMetadata(request, ADMIN)
    assert [(one.entity.external_source.cidr, one.flowsCount) for one in listed.entities] == [
        ("8.8.8.8/32", 1)
    ]
    for query, count in (
        ("Namespace:red", 1),
        ("Namespace:blue", 0),
        ("External Source Address:9.9.9.9/32", 0),
    ):
        request.query = query
        found = await site.service.GetExternalNetworkFlowsMetadata(request, ADMIN)
        assert found.total_entities == count
    await site.name("8.8.8.8/32", "resolver")
    await site.tell(flow(web(RED), seen), discovered="8.8.8.8/32")
    assert edges(await site.graph()) == {("red-web", "resolver", 443)}


async def test_flows_of_a_range_are_listed_in_pages(site: Site) -> None:
    made = await site.name("10.0.0.0/8", "own")
    own = Entity(made.info.type, made.info.id)
    await site.tell(flow(web(RED), own, 1), flow(web(RED), own, 2), flow(web(BLUE), own, 3))
    request = graph_pb2.GetExternalNetworkFlowsRequest(cluster_id=HERE, entity_id=made.info.id)
    request.pagination.limit = 2
    found = await site.service.GetExternalNetworkFlows(request, ADMIN)
    assert (found.entity, found.total_flows, len(found.flows)) == (made.info, 3, 2)
    request.query, request.pagination.limit = "Namespace:blue", 0
    found = await site.service.GetExternalNetworkFlows(request, ADMIN)
    assert [one.props.dst_port for one in found.flows] == [3]
    assert found.flows[0].props.src_entity.deployment.name == "blue-web"
    request.entity_id = "nobody"
    with pytest.raises(NotFound):
        await site.service.GetExternalNetworkFlows(request, ADMIN)


async def test_caller_sees_own_deployments_and_masked_neighbours(site: Site) -> None:
    await site.tell(flow(web(RED), web(BLUE)), flow(web(BLUE), INTERNET))
    only_red = Scope(namespaces={HERE: frozenset({"red"})})
    graph = await site.graph(call=limited(only_red, read=RESOURCES))
    assert edges(graph) == {("red-web", "masked deployment #1", 443)}
    assert "blue" not in str(graph)
    assert web(BLUE).id not in str(graph)
    assert not (await site.graph(call=limited(only_red, read=("NetworkGraph",)))).nodes
    without_flows = await site.graph(call=limited(only_red, read=("Deployment",)))
    assert edges(without_flows) == set()


async def test_range_is_changed_only_within_the_scope(site: Site) -> None:
    elsewhere = limited(Scope(clusters=frozenset({GREEN.cluster_id})), write=RESOURCES)
    made = await site.name("10.0.0.0/8", "own")
    with pytest.raises(NotFound):
        await site.name("11.0.0.0/8", "other", elsewhere)
    with pytest.raises(NotFound):
        await site.service.DeleteExternalNetworkEntity(common_pb2.ResourceByID(id=made.info.id), elsewhere)
    reader = limited(Scope(clusters=frozenset({HERE})), read=RESOURCES)
    with pytest.raises(NotAuthorized):
        await site.name("11.0.0.0/8", "other", reader)
    listed = await site.service.GetExternalNetworkEntities(
        graph_pb2.GetExternalNetworkEntitiesRequest(cluster_id=HERE), elsewhere
    )
    assert not listed.entities


async def test_policies_of_the_namespace_isolate_at_request(site: Site) -> None:
    for asked, ids in ((True, [RED.id("networkpolicy")]), (False, [])):
        graph = await site.graph("Namespace:red", policies=asked)
        assert list(graph.nodes[0].policy_ids) == ids


async def test_flows_that_cannot_be_are_counted_and_the_rest_is_kept(site: Site) -> None:
    strange: list[Callable[[], Flow]] = [
        lambda: flow(deployed("no uuid"), web(RED)),
        lambda: flow(web(RED), web(BLUE), 70_000),
        lambda: flow(Entity(NetworkEntityInfo.EXTERNAL_SOURCE, "x\0y"), web(RED)),
        lambda: flow(Entity(NetworkEntityInfo.EXTERNAL_SOURCE, "x" * 201), web(RED)),
    ]
    await site.tell(flow(web(RED), web(BLUE)), *(make() for make in strange))
    await site.tell(flow(web(RED), INTERNET), discovered="no address")
    assert len(await site.flows.since(HERE, datetime(2000, 1, 1, tzinfo=UTC))) == 1
    assert "rox_central_network_flows_refused_total 5.0" in site.metrics.render().decode()


async def test_flows_go_with_their_cluster_and_their_deployments(site: Site) -> None:
    gone = deployed("00000000-0000-4000-8000-000000000000")
    await site.tell(flow(web(RED), web(BLUE)), flow(web(RED), gone), flow(gone, INTERNET))
    assert await site.flows.prune(timedelta(days=400), 100) == 0
    await site.pool.execute("UPDATE network_flows SET updated_at = now() - interval '1 hour'")
    assert await site.flows.prune(timedelta(minutes=30), 1) == 1
    assert await site.flows.prune(timedelta(minutes=30), 100) == 1
    assert await site.pool.fetchval("SELECT count(*) FROM network_flows") == 1
    await site.name("10.0.0.0/8", "own")
    await ClusterStore(pool=site.pool, on_change=lambda: None).delete(HERE)
    assert await site.pool.fetchval("SELECT count(*) FROM network_flows") == 0
    assert await site.entities.of_cluster(HERE, scope=EVERYTHING) == []


async def test_configuration_is_kept_and_every_sensor_told(site: Site) -> None:
    assert not (await site.service.GetNetworkGraphConfig(empty_pb2.Empty(), ADMIN)).hide_default_external_srcs
    request = graph_pb2.PutNetworkGraphConfigRequest()
    with pytest.raises(Invalid, match="network graph config must be specified"):
        await site.service.PutNetworkGraphConfig(request, ADMIN)
    request.config.hide_default_external_srcs = True
    await site.service.PutNetworkGraphConfig(request, ADMIN)
    assert (await site.service.GetNetworkGraphConfig(empty_pb2.Empty(), ADMIN)).hide_default_external_srcs
    assert await site.notices() == [[EVERY_CLUSTER]]


async def test_request_without_a_cluster_or_with_an_impossible_time_is_refused(site: Site) -> None:
    with pytest.raises(Invalid, match="cluster ID must be specified"):
        await site.service.GetNetworkGraph(graph_pb2.NetworkGraphRequest(), ADMIN)
    request = graph_pb2.NetworkGraphRequest(cluster_id=HERE)
    request.since.seconds = 1 << 60
    with pytest.raises(Invalid, match="since"):
        await site.service.GetNetworkGraph(request, ADMIN)
