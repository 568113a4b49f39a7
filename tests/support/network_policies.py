"""NetworkPolicies evaluated in plain code: may this pod talk to that one on this port?

For chart tests, since the node that the tests have does not enforce policies. Selectors,
`ipBlock` with exceptions, named ports and port ranges work as the API says; a pod that
no policy selects for a direction may do anything in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Peer:
    """A pod (with labels) or an address outside the cluster (without a namespace)."""

    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str = "stackrox"
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    address: str = "10.0.0.1"
    ports: Mapping[str, int] = field(default_factory=dict)
    """Named ports of the pod's containers."""


def outside(address: str) -> Peer:
    """A machine that is not a pod."""
    return Peer(namespace="", address=address)


def allowed(
    policies: Iterable[Rule], source: Peer, target: Peer, port: int, *, protocol: str = "TCP"
) -> bool:
    """Whether the source may send and the target may receive."""
    listed = list(policies)
    return _direction(listed, "Egress", source, target, (port, protocol, target)) and _direction(
        listed, "Ingress", target, source, (port, protocol, target)
    )


def _direction(
    policies: list[Rule], direction: str, subject: Peer, other: Peer, port: tuple[int, str, Peer]
) -> bool:
    relevant = [policy for policy in policies if _selects(policy, subject, direction)]
    if not relevant:
        return True
    section, peers = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
    return any(
        _ports(rule.get("ports"), *port)
        and _peers(rule.get(peers), other, policy["metadata"].get("namespace", "stackrox"))
        for policy in relevant
        for rule in policy["spec"].get(section) or []
    )


def _selects(policy: Rule, pod: Peer, direction: str) -> bool:
    spec = policy["spec"]
    default = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return (
        direction in (spec.get("policyTypes") or default)
        and pod.namespace == policy["metadata"].get("namespace", "stackrox")
        and matches(spec.get("podSelector") or {}, pod.labels)
    )


def matches(selector: Rule, labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes these labels; an empty one takes all."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for wanted in selector.get("matchExpressions") or []:
        has, values = wanted["key"] in labels, wanted.get("values") or []
        verdict = {
            "In": has and labels.get(wanted["key"]) in values,
            "NotIn": not has or labels[wanted["key"]] not in values,
            "Exists": has,
            "DoesNotExist": not has,
        }[wanted["operator"]]
        if not verdict:
            return False
    return True


def _ports(rules: list[Rule] | None, port: int, protocol: str, target: Peer) -> bool:
    if not rules:
        return True
    for rule in rules:
        if rule.get("protocol", "TCP") != protocol:
            continue
        wanted = rule.get("port")
        if wanted is None:
            return True
        first: int = target.ports.get(wanted, -1) if isinstance(wanted, str) else wanted
        if first <= port <= rule.get("endPort", first):
            return True
    return False


def _peers(rules: list[Rule] | None, other: Peer, own_namespace: str) -> bool:
    if not rules:
        return True
    return any(_peer(rule, other, own_namespace) for rule in rules)


def _peer(rule: Rule, other: Peer, own_namespace: str) -> bool:
    if block := rule.get("ipBlock"):
        address = ip_address(other.address)
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(part) for part in block.get("except") or []
        )
    if not other.namespace:
        return False
    if "namespaceSelector" in rule:
        labels = {"kubernetes.io/metadata.name": other.namespace, **other.namespace_labels}
        if not matches(rule["namespaceSelector"] or {}, labels):
            return False
    elif other.namespace != own_namespace:
        return False
    return matches(rule.get("podSelector") or {}, other.labels)
