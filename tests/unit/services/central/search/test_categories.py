"""Locations of results, and the labels that are offered."""

from __future__ import annotations

import pytest

from pyrox.pb.api.v1.search_service_pb2 import SearchCategory
from services.central.search.categories import GLOBAL, KINDS, options

ALERTS = KINDS[SearchCategory.ALERTS]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["c", "n", 0, "", "web", ""], "/c/n/Deployment/web"),
        (["c", "n", 1, "", "", "token"], "/c/n/Secrets/token"),
        (["c", "", 3, "", "", "admin"], "/c/Cluster_roles/admin"),
        (["c", "", 0, "node-1", "", ""], "/c/Node/"),
        (["c", "n", 0, "", "", ""], "/c/n/Deployment/"),
    ],
)
def test_alert_lies_where_its_entity_is(values: list[object], expected: str) -> None:
    assert ALERTS.location(values) == expected


def test_places_of_other_kinds() -> None:
    assert KINDS[SearchCategory.DEPLOYMENTS].location(["c", "n"]) == "/c/n"
    assert KINDS[SearchCategory.CLUSTERS].location(["c"]) == "/c"
    assert KINDS[SearchCategory.NAMESPACES].location(["c", "n"]) == "c/n"
    assert KINDS[SearchCategory.IMAGES].location([]) == ""


def test_global_categories_are_known_and_in_order_of_their_numbers() -> None:
    assert all(category in KINDS for category in GLOBAL)
    assert len(set(GLOBAL)) == len(GLOBAL)


def test_options_are_those_of_the_categories_only() -> None:
    assert "Sensor Version Compatibility" in options((SearchCategory.CLUSTERS,))
    assert "Sensor Version Compatibility" not in options((SearchCategory.SECRETS,))
    assert options((SearchCategory.COMPLIANCE,)) == []


def test_every_column_of_a_kind_exists() -> None:
    for kind in KINDS.values():
        for name in (kind.name, *kind.place):
            assert kind.table.column(name).name == name
