"""Network policies as Kubernetes' own YAML."""

from __future__ import annotations

from typing import Any

import yaml

from pyrox.pb.storage.labels_pb2 import LabelSelector
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy, NetworkPolicyType, Protocol
from services.central.network_policies.yaml import render


def rendered(policy: NetworkPolicy) -> dict[str, Any]:
    loaded = yaml.safe_load(render(policy))
    assert isinstance(loaded, dict)
    return loaded


def test_render_empty_policy_selects_everything() -> None:
    assert rendered(NetworkPolicy(name="n", namespace="ns")) == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "n", "namespace": "ns"},
        "spec": {"podSelector": {}},
    }


def test_render_metadata_keeps_labels_annotations_and_time() -> None:
    policy = NetworkPolicy(
        name="n", namespace="ns", api_version="v9", labels={"a": "b"}, annotations={"c": "d"}
    )
    policy.created.FromJsonString("2026-01-02T03:04:05Z")
    made = rendered(policy)
    assert made["apiVersion"] == "v9"
    assert made["metadata"]["labels"] == {"a": "b"}
    assert made["metadata"]["annotations"] == {"c": "d"}
    assert made["metadata"]["creationTimestamp"] == "2026-01-02T03:04:05Z"


def test_render_rules_have_ports_and_peers() -> None:
    policy = NetworkPolicy(name="n")
    policy.spec.pod_selector.match_labels["app"] = "web"
    policy.spec.policy_types.append(NetworkPolicyType.INGRESS_NETWORK_POLICY_TYPE)
    policy.spec.policy_types.append(NetworkPolicyType.EGRESS_NETWORK_POLICY_TYPE)
    ingress = policy.spec.ingress.add()
    ingress.ports.add(protocol=Protocol.TCP_PROTOCOL, port=8080)
    ingress.ports.add(port_name="http")
    peer = getattr(ingress, "from").add()
    peer.namespace_selector.match_labels["env"] = "prod"
    block = policy.spec.egress.add().to.add().ip_block
    block.cidr = "10.0.0.0/8"
    getattr(block, "except").append("10.1.0.0/16")
    assert rendered(policy)["spec"] == {
        "podSelector": {"matchLabels": {"app": "web"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "ports": [{"protocol": "TCP", "port": 8080}, {"port": "http"}],
                "from": [{"namespaceSelector": {"matchLabels": {"env": "prod"}}}],
            }
        ],
        "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}],
    }


def test_render_empty_rule_allows_everything() -> None:
    policy = NetworkPolicy(name="n")
    policy.spec.ingress.add()
    assert rendered(policy)["spec"]["ingress"] == [{}]


def test_render_expressions_of_a_selector() -> None:
    policy = NetworkPolicy(name="n")
    selector = policy.spec.pod_selector
    selector.requirements.add(key="tier", op=LabelSelector.IN, values=["a", "b"])
    selector.requirements.add(key="old", op=LabelSelector.NOT_EXISTS)
    assert rendered(policy)["spec"]["podSelector"] == {
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "old", "operator": "DoesNotExist"},
        ]
    }
