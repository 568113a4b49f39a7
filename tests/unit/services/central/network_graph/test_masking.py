"""Deployments that a caller may not see."""

from __future__ import annotations

from services.central.network_graph.masking import masked
from tests.support.network_flows import CLUSTER, listed

HIDDEN = [listed("b", "ledger", "bank"), listed("a", "vault", "vaults"), listed("c", "audit", "bank")]


def test_names_and_ids_are_hidden_and_namespaces_kept_apart() -> None:
    found = masked(HIDDEN)
    assert [(found[id_].name, found[id_].namespace) for id_ in "abc"] == [
        ("masked deployment #1", "masked namespace #2"),
        ("masked deployment #2", "masked namespace #1"),
        ("masked deployment #3", "masked namespace #1"),
    ]
    assert {one.id for one in found.values()}.isdisjoint("abc")
    assert {one.cluster_id for one in found.values()} == {CLUSTER}


def test_order_of_the_question_does_not_matter() -> None:
    assert masked(reversed(HIDDEN)) == masked(HIDDEN)
