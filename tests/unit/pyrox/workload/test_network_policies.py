"""Network policies, their defaults, and which deployments they select."""

from __future__ import annotations

from pyrox.pb.storage.network_policy_pb2 import NetworkPolicyType, Protocol
from pyrox.workload.network_policies import selecting, to_network_policy

VALUE = {
    "apiVersion": "networking.k8s.io/v1",
    "metadata": {"uid": "n", "name": "deny", "namespace": "shop"},
    "spec": {
        "podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["x", "y"]}]},
        "egress": [
            {
                "to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
                "ports": [{"port": 53, "protocol": "UDP"}],
            }
        ],
        "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": "http"}]}],
    },
}


def test_to_network_policy_rules() -> None:
    policy = to_network_policy(VALUE)
    assert list(policy.spec.policy_types) == [
        NetworkPolicyType.INGRESS_NETWORK_POLICY_TYPE,
        NetworkPolicyType.EGRESS_NETWORK_POLICY_TYPE,
    ]
    block = policy.spec.egress[0].to[0].ip_block
    assert (block.cidr, list(getattr(block, "except"))) == ("10.0.0.0/8", ["10.1.0.0/16"])
    assert (policy.spec.egress[0].ports[0].port, policy.spec.egress[0].ports[0].protocol) == (
        53,
        Protocol.UDP_PROTOCOL,
    )
    assert policy.spec.ingress[0].ports[0].port_name == "http"
    assert getattr(policy.spec.ingress[0], "from")[0].HasField("namespace_selector")


def test_to_network_policy_listed_types_win() -> None:
    spec = {"podSelector": {}, "policyTypes": ["Egress"]}
    assert list(to_network_policy({"spec": spec}).spec.policy_types) == [
        NetworkPolicyType.EGRESS_NETWORK_POLICY_TYPE
    ]


def test_selecting_by_namespace_and_labels() -> None:
    policy = to_network_policy(VALUE)
    assert selecting([policy], "shop", {"app": "y"}) == [policy]
    assert selecting([policy], "shop", {"app": "z"}) == []
    assert selecting([policy], "other", {"app": "y"}) == []
