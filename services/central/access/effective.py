"""Access scope rules to the clusters and namespaces that they include.

A pure function of the rules and the inventory. The union of all rules counts; a
cluster is included whole by name, id or label, a namespace singly by name or label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyrox.pb.storage.labels_pb2 import SetBasedLabelSelector
from pyrox.pb.storage.role_pb2 import SimpleAccessScope
from pyrox.rpc.scope import Scope


@dataclass(frozen=True, slots=True)
class NamespaceFacts:
    """A namespace as scope rules see it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """A cluster as scope rules see it."""

    id: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    namespaces: tuple[NamespaceFacts, ...] = ()


# Upstream adds this label to every namespace it evaluates (pkg/sac/effectiveaccessscope).
NAMESPACE_FULL_NAME = "stackrox.io/authz.metadata.namespace.fqn"


def matches(selector: SetBasedLabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether all requirements hold; an empty selector matches nothing."""
    operators = SetBasedLabelSelector.Operator
    if not selector.requirements:
        return False
    for requirement in selector.requirements:
        value = labels.get(requirement.key)
        holds = {
            operators.IN: value is not None and value in requirement.values,
            operators.NOT_IN: value is None or value not in requirement.values,
            operators.EXISTS: value is not None,
            operators.NOT_EXISTS: value is None,
        }.get(requirement.op, False)
        if not holds:
            return False
    return True


def _any(selectors: Iterable[SetBasedLabelSelector], labels: Mapping[str, str]) -> bool:
    return any(matches(selector, labels) for selector in selectors)


def resolve(rules: SimpleAccessScope.Rules, clusters: Iterable[ClusterFacts]) -> Scope:
    """The scope that the rules give over this inventory."""
    whole: set[str] = set()
    single: dict[str, frozenset[str]] = {}
    for cluster in clusters:
        named = cluster.name in rules.included_clusters or cluster.id in rules.included_cluster_ids
        if named or _any(rules.cluster_label_selectors, cluster.labels):
            whole.add(cluster.id)
            continue
        names = frozenset(n.name for n in cluster.namespaces if _includes(rules, cluster, n))
        if names:
            single[cluster.id] = names
    return Scope(clusters=frozenset(whole), namespaces=single)


def _includes(rules: SimpleAccessScope.Rules, cluster: ClusterFacts, namespace: NamespaceFacts) -> bool:
    for rule in rules.included_namespaces:
        same_cluster = cluster.id == rule.cluster_id if rule.cluster_id else cluster.name == rule.cluster_name
        if same_cluster and rule.namespace_name == namespace.name:
            return True
    labels = {**namespace.labels, NAMESPACE_FULL_NAME: f"{cluster.name}::{namespace.name}"}
    return _any(rules.namespace_label_selectors, labels)
