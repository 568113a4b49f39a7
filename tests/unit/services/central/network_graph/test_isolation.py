"""Which deployments network policies isolate."""

from __future__ import annotations

import pytest

from pyrox.pb.api.v1.network_graph_service_pb2 import NetworkGraph
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy, NetworkPolicyType
from services.central.network_graph.isolation import EGRESS, INGRESS, mark

POD = {"app": "api"}


def policy(
    id_: str, *types: NetworkPolicyType.ValueType, namespace: str = "payments", **labels: str
) -> NetworkPolicy:
    made = NetworkPolicy(id=id_, namespace=namespace)
    made.spec.policy_types.extend(types)
    made.spec.pod_selector.match_labels.update(labels)
    return made


@pytest.mark.parametrize(
    ("policies", "ids", "ingress", "egress"),
    [
        ([], [], True, True),
        ([policy("p", INGRESS, app="api")], ["p"], False, True),
        ([policy("p", EGRESS)], ["p"], True, False),
        ([policy("p", INGRESS), policy("q", EGRESS)], ["p", "q"], False, False),
        ([policy("p", INGRESS, app="other")], [], True, True),
        ([policy("p", INGRESS, namespace="bank")], [], True, True),
    ],
)
def test_policy_of_the_namespace_that_selects_the_pods_isolates(
    policies: list[NetworkPolicy], ids: list[str], ingress: bool, egress: bool
) -> None:
    graph = NetworkGraph()
    graph.nodes.add().entity.id = "a"
    mark(graph, [Deployment(id="a", namespace="payments", pod_labels=POD)], policies)
    node = graph.nodes[0]
    assert list(node.policy_ids) == ids
    assert (node.non_isolated_ingress, node.non_isolated_egress) == (ingress, egress)


def test_node_that_is_no_known_deployment_says_nothing() -> None:
    graph = NetworkGraph()
    graph.nodes.add().entity.id = "internet"
    mark(graph, [], [policy("p", INGRESS)])
    assert not graph.nodes[0].policy_ids
    assert not graph.nodes[0].non_isolated_ingress
