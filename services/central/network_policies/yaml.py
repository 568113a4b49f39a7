"""`storage.NetworkPolicy` as the YAML that Kubernetes would take. Pure."""

from __future__ import annotations

from typing import Any

import yaml

from pyrox.pb.storage.labels_pb2 import LabelSelector
from pyrox.pb.storage.network_policy_pb2 import (
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicyType,
    Protocol,
)

_TYPES = {
    NetworkPolicyType.INGRESS_NETWORK_POLICY_TYPE: "Ingress",
    NetworkPolicyType.EGRESS_NETWORK_POLICY_TYPE: "Egress",
}
_OPERATORS = {
    LabelSelector.IN: "In",
    LabelSelector.NOT_IN: "NotIn",
    LabelSelector.EXISTS: "Exists",
    LabelSelector.NOT_EXISTS: "DoesNotExist",
}


def render(policy: NetworkPolicy) -> str:
    """The manifest of the policy, keys in alphabetical order."""
    metadata: dict[str, Any] = {"name": policy.name, "namespace": policy.namespace}
    if policy.labels:
        metadata["labels"] = dict(policy.labels)
    if policy.annotations:
        metadata["annotations"] = dict(policy.annotations)
    if policy.HasField("created"):
        metadata["creationTimestamp"] = policy.created.ToJsonString()
    manifest = {
        "apiVersion": policy.api_version or "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": _spec(policy),
    }
    return yaml.safe_dump(manifest, sort_keys=True)


def _spec(policy: NetworkPolicy) -> dict[str, Any]:
    spec: dict[str, Any] = {"podSelector": _selector(policy.spec.pod_selector)}
    if policy.spec.ingress:
        spec["ingress"] = [_rule("from", rule.ports, getattr(rule, "from")) for rule in policy.spec.ingress]
    if policy.spec.egress:
        spec["egress"] = [_rule("to", rule.ports, rule.to) for rule in policy.spec.egress]
    if types := [_TYPES[kind] for kind in policy.spec.policy_types if kind in _TYPES]:
        spec["policyTypes"] = types
    return spec


def _rule(side: str, ports: Any, peers: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    if ports:
        rule["ports"] = [_port(port) for port in ports]
    if peers:
        rule[side] = [_peer(peer) for peer in peers]
    return rule


def _port(port: NetworkPolicyPort) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if port.protocol != Protocol.UNSET_PROTOCOL:
        made["protocol"] = Protocol.Name(port.protocol).removesuffix("_PROTOCOL")
    match port.WhichOneof("port_ref"):
        case "port":
            made["port"] = port.port
        case "port_name":
            made["port"] = port.port_name
    return made


def _peer(peer: NetworkPolicyPeer) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if peer.HasField("pod_selector"):
        made["podSelector"] = _selector(peer.pod_selector)
    if peer.HasField("namespace_selector"):
        made["namespaceSelector"] = _selector(peer.namespace_selector)
    if peer.HasField("ip_block"):
        made["ipBlock"] = {"cidr": peer.ip_block.cidr}
        if excepted := list(getattr(peer.ip_block, "except")):
            made["ipBlock"]["except"] = excepted
    return made


def _selector(selector: LabelSelector) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if selector.match_labels:
        made["matchLabels"] = dict(selector.match_labels)
    if selector.requirements:
        made["matchExpressions"] = [
            {
                "key": one.key,
                "operator": _OPERATORS.get(one.op, ""),
                **({"values": list(one.values)} if one.values else {}),
            }
            for one in selector.requirements
        ]
    return made
