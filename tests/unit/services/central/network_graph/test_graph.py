"""Nodes and edges of the answer."""

from __future__ import annotations

from datetime import UTC, datetime

from pyrox.pb.storage.network_flow_pb2 import NetworkEntityInfo
from services.central.network_graph.addresses import Ranges
from services.central.network_graph.flow import INTERNET, Entity
from services.central.network_graph.graph import GraphBuilder
from tests.support.network_flows import TCP, deployed, flow, listed

NOW, EARLIER = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
A, B, LISTENS = deployed("a"), deployed("b"), Entity(NetworkEntityInfo.LISTEN_ENDPOINT, "")


def builder() -> GraphBuilder:
    made = GraphBuilder(info=Ranges([]).info, now=NOW)
    made.add_deployments([listed("a", "api")], matched=True)
    made.add_deployments([listed("b", "database"), listed("a", "again")], matched=False)
    return made


def test_deployments_are_nodes_once_and_say_whether_they_were_asked_for() -> None:
    nodes = builder().build().nodes
    assert [(node.entity.deployment.name, node.query_match) for node in nodes] == [
        ("api", True),
        ("database", False),
    ]
    assert nodes[0].entity.deployment.namespace == "payments"


def test_flow_is_an_edge_to_the_index_of_its_end() -> None:
    made = builder()
    made.add_flows([flow(A, B, 5432, seen=EARLIER), flow(A, B, 80), flow(INTERNET, A)], ports=True)
    nodes = made.build().nodes
    to_b = nodes[0].out_edges[1].properties
    assert [(edge.port, edge.protocol) for edge in to_b] == [(5432, TCP), (80, TCP)]
    assert to_b[0].last_active_timestamp.ToDatetime(tzinfo=UTC) == EARLIER
    assert to_b[1].last_active_timestamp.ToDatetime(tzinfo=UTC) == NOW
    assert nodes[2].entity.external_source.name == "External Entities"
    assert list(nodes[2].out_edges) == [0]
    assert not nodes[1].out_edges


def test_flow_of_a_deployment_that_is_not_there_adds_nothing() -> None:
    made = builder()
    made.add_flows([flow(deployed("gone"), B), flow(INTERNET, deployed("gone"))], ports=True)
    assert len(made.build().nodes) == 2


def test_listening_ports_are_shown_when_they_are_asked_for() -> None:
    for ports, shown in ((True, [8443]), (False, [])):
        made = builder()
        made.add_flows([flow(A, LISTENS, 8443), flow(deployed("gone"), LISTENS)], ports=ports)
        nodes = made.build().nodes
        assert [port.port for port in nodes[0].entity.deployment.listen_ports] == shown
        assert len(nodes) == 2
