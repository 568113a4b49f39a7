"""Scope rules over an inventory."""

import pytest

from pyrox.pb.storage.labels_pb2 import SetBasedLabelSelector
from pyrox.pb.storage.role_pb2 import SimpleAccessScope
from pyrox.rpc.scope import Scope
from services.central.access.effective import ClusterFacts, NamespaceFacts, matches, resolve

PROD = ClusterFacts(
    id="1",
    name="prod",
    labels={"env": "prod"},
    namespaces=(NamespaceFacts("pay", {"team": "pay"}), NamespaceFacts("web", {"team": "web"})),
)
TEST = ClusterFacts(id="2", name="test", namespaces=(NamespaceFacts("pay", {"team": "pay"}),))
OPERATORS = SetBasedLabelSelector.Operator


def selector(key: str, op: int, *values: str) -> SetBasedLabelSelector:
    made = SetBasedLabelSelector()
    made.requirements.add(key=key, op=OPERATORS.Name(op), values=values)
    return made


def test_resolve_cluster_by_name_includes_it_whole() -> None:
    rules = SimpleAccessScope.Rules(included_clusters=["prod"])
    assert resolve(rules, [PROD, TEST]) == Scope(clusters=frozenset({"1"}))


def test_resolve_namespace_by_cluster_name_or_id_includes_only_it() -> None:
    rules = SimpleAccessScope.Rules()
    rules.included_namespaces.add(cluster_name="prod", namespace_name="pay")
    rules.included_namespaces.add(cluster_id="2", namespace_name="pay")
    scope = resolve(rules, [PROD, TEST])
    assert scope == Scope(namespaces={"1": frozenset({"pay"}), "2": frozenset({"pay"})})


def test_resolve_labels_are_a_union() -> None:
    rules = SimpleAccessScope.Rules(
        cluster_label_selectors=[selector("env", OPERATORS.IN, "prod")],
        namespace_label_selectors=[selector("team", OPERATORS.EXISTS)],
    )
    assert resolve(rules, [PROD, TEST]) == Scope(
        clusters=frozenset({"1"}), namespaces={"2": frozenset({"pay"})}
    )


def test_resolve_namespace_full_name_label_picks_one_namespace() -> None:
    rules = SimpleAccessScope.Rules(
        namespace_label_selectors=[
            selector("stackrox.io/authz.metadata.namespace.fqn", OPERATORS.IN, "prod::web")
        ]
    )
    assert resolve(rules, [PROD, TEST]) == Scope(namespaces={"1": frozenset({"web"})})


def test_resolve_empty_rules_include_nothing() -> None:
    assert resolve(SimpleAccessScope.Rules(), [PROD, TEST]).nothing


@pytest.mark.parametrize(
    ("op", "values", "expected"),
    [
        (OPERATORS.IN, ("x", "prod"), True),
        (OPERATORS.IN, ("x",), False),
        (OPERATORS.NOT_IN, ("prod",), False),
        (OPERATORS.NOT_IN, ("x",), True),
        (OPERATORS.EXISTS, (), True),
        (OPERATORS.NOT_EXISTS, (), False),
        (OPERATORS.UNKNOWN, (), False),
    ],
)
def test_matches_operator(op: int, values: tuple[str, ...], expected: bool) -> None:
    assert matches(selector("env", op, *values), {"env": "prod"}) is expected


def test_matches_empty_selector_matches_nothing() -> None:
    assert not matches(SetBasedLabelSelector(), {"env": "prod"})
