"""Network policies to storage messages, and which of them select a deployment.

Called by Sensor and by Central's YAML check. It must not judge traffic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pyrox.pb.storage.network_policy_pb2 import (
    IPBlock,
    NetworkPolicy,
    NetworkPolicyEgressRule,
    NetworkPolicyIngressRule,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicySpec,
    NetworkPolicyType,
    Protocol,
)
from pyrox.workload import objects, selectors
from pyrox.workload.objects import Object

_TYPES = {
    "Ingress": NetworkPolicyType.INGRESS_NETWORK_POLICY_TYPE,
    "Egress": NetworkPolicyType.EGRESS_NETWORK_POLICY_TYPE,
}
_PROTOCOLS = {"TCP": Protocol.TCP_PROTOCOL, "UDP": Protocol.UDP_PROTOCOL, "SCTP": Protocol.SCTP_PROTOCOL}
API_VERSION = "networking.k8s.io/v1"


def to_network_policy(value: Object) -> NetworkPolicy:
    """A network policy."""
    spec = objects.child(value, "spec")
    return NetworkPolicy(
        id=objects.uid(value),
        name=objects.name(value),
        namespace=objects.namespace(value) or "default",
        labels=objects.label_map(value),
        annotations=objects.annotation_map(value),
        created=objects.created(value),
        api_version=objects.text(value, "apiVersion") or API_VERSION,
        spec=NetworkPolicySpec(
            pod_selector=selectors.to_selector(objects.child(spec, "podSelector")),
            policy_types=_types(spec),
            ingress=[_ingress(rule) for rule in objects.children(spec, "ingress")],
            egress=[_egress(rule) for rule in objects.children(spec, "egress")],
        ),
    )


def _types(spec: Object) -> list[NetworkPolicyType.ValueType]:
    """The API's default when the list is missing: ingress, and egress when it has rules."""
    listed = [_TYPES[name] for name in objects.texts(spec, "policyTypes") if name in _TYPES]
    if listed:
        return listed
    default = [NetworkPolicyType.INGRESS_NETWORK_POLICY_TYPE]
    return [*default, NetworkPolicyType.EGRESS_NETWORK_POLICY_TYPE] if spec.get("egress") else default


def _ingress(rule: Object) -> NetworkPolicyIngressRule:
    made = NetworkPolicyIngressRule(ports=_ports(rule))
    # The field is a Python keyword.
    getattr(made, "from").extend(_peers(rule, "from"))
    return made


def _egress(rule: Object) -> NetworkPolicyEgressRule:
    return NetworkPolicyEgressRule(ports=_ports(rule), to=_peers(rule, "to"))


def _ports(rule: Object) -> Iterator[NetworkPolicyPort]:
    for item in objects.children(rule, "ports"):
        port = NetworkPolicyPort(
            protocol=_PROTOCOLS.get(objects.text(item, "protocol", "TCP"), Protocol.UNSET_PROTOCOL)
        )
        if number := objects.number(item, "port"):
            port.port = number
        elif name := objects.text(item, "port"):
            port.port_name = name
        yield port


def _peers(rule: Object, key: str) -> Iterator[NetworkPolicyPeer]:
    for item in objects.children(rule, key):
        peer = NetworkPolicyPeer()
        if (found := objects.optional_child(item, "podSelector")) is not None:
            peer.pod_selector.CopyFrom(selectors.to_selector(found))
        if (found := objects.optional_child(item, "namespaceSelector")) is not None:
            peer.namespace_selector.CopyFrom(selectors.to_selector(found))
        if (found := objects.optional_child(item, "ipBlock")) is not None:
            peer.ip_block.CopyFrom(_block(found))
        yield peer


def _block(found: Object) -> IPBlock:
    block = IPBlock(cidr=objects.text(found, "cidr"))
    getattr(block, "except").extend(objects.texts(found, "except"))
    return block


def selecting(
    policies: Iterable[NetworkPolicy], namespace: str, pod_labels: Mapping[str, str]
) -> list[NetworkPolicy]:
    """The policies that select pods with these labels in the namespace."""
    return [
        policy
        for policy in policies
        if policy.namespace == namespace and selectors.matches(policy.spec.pod_selector, pod_labels)
    ]
