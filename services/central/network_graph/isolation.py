"""Which deployments network policies isolate; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyrox.pb.api.v1.network_graph_service_pb2 import NetworkGraph
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy, NetworkPolicyType
from pyrox.workload.network_policies import selecting

INGRESS = NetworkPolicyType.INGRESS_NETWORK_POLICY_TYPE
EGRESS = NetworkPolicyType.EGRESS_NETWORK_POLICY_TYPE


def mark(graph: NetworkGraph, deployments: Iterable[Deployment], policies: Sequence[NetworkPolicy]) -> None:
    """Say at each node of a deployment which policies select its pods and what they leave open."""
    by_namespace: dict[str, list[NetworkPolicy]] = {}
    for policy in policies:
        by_namespace.setdefault(policy.namespace, []).append(policy)
    known = {deployment.id: deployment for deployment in deployments}
    for node in graph.nodes:
        deployment = known.get(node.entity.id)
        if deployment is None:
            continue
        near = by_namespace.get(deployment.namespace, [])
        found = selecting(near, deployment.namespace, deployment.pod_labels)
        types = {kind for policy in found for kind in policy.spec.policy_types}
        node.non_isolated_ingress = INGRESS not in types
        node.non_isolated_egress = EGRESS not in types
        node.policy_ids.extend(policy.id for policy in found)
