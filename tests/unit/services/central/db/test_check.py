"""Declarations against the message descriptors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pyrox.pb.storage.risk_pb2 import Risk
from services.central.db import check, tables
from services.central.db.catalog import Catalog
from services.central.db.fields import Column, Kind, Link, Table

KEY = Column("id", "id", Kind.TEXT, key=True)


def test_declared_tables_fit_their_messages() -> None:
    assert check.against_messages(tables.CATALOG) == []


@pytest.mark.parametrize(
    "column",
    [
        Column("x", "nothing", Kind.TEXT),
        Column("x", "subject.nothing", Kind.TEXT),
        Column("x", "score", Kind.INT),
        Column("x", "score.below", Kind.INT),
        Column("x", "subject", Kind.TEXT),
        Column("x", "results.name", Kind.TEXT),
    ],
)
def test_column_that_does_not_fit_is_named(column: Column) -> None:
    catalog = Catalog([Table(name="t", message=Risk, columns=(KEY, column))], [])
    (problem,) = check.against_messages(catalog)
    assert problem.startswith("t.x: storage.Risk has no")


def test_catalog_with_a_repeated_table_is_refused() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        Catalog([tables.RISKS, tables.RISKS], [])


def test_catalog_without_a_way_between_tables_says_so() -> None:
    with pytest.raises(ValueError, match="no way"):
        tables.CATALOG.path(tables.RISKS, "policies")


def test_label_nearest_to_the_table_is_taken() -> None:
    found = tables.CATALOG.find(tables.DEPLOYMENTS, "iMaGe")
    assert found is not None
    assert [edge.target for edge in found.path] == ["deployments_containers"]
    found = tables.CATALOG.find(tables.DEPLOYMENTS, "CVE")
    assert found is not None
    assert [edge.target for edge in found.path] == [
        "deployments_containers",
        "images_v2",
        "image_component_v2",
        "image_cves_v2",
    ]
    assert tables.CATALOG.find(tables.ALERTS, "CVE") is None


def test_labels_of_tables_out_of_reach_are_unknown() -> None:
    apart = replace(tables.DEPLOYMENTS, reachable=())
    catalog = Catalog([apart, tables.NAMESPACES], [Link("deployments.namespaceid", "namespaces.id")])
    assert catalog.find(apart, "Namespace Label") is None
    assert catalog.find(apart, "Namespace") is not None


def test_options_leave_out_hidden_labels() -> None:
    options = tables.CATALOG.options(tables.ALERTS)
    assert "Violation Time" in options
    assert "Deployment ID" not in options
    # Upstream removes the embedded policy's lifecycle stages; the alert has its own.
    assert options.count("Lifecycle Stage") == 1


@pytest.mark.needs("shared")
def test_own_options_are_those_of_the_reference_system(shared: Path) -> None:
    lines = (shared / "reference" / "observed" / "rest.ndjson").read_text().splitlines()
    cases = {case["case"]: case for case in map(json.loads, lines)}
    wanted = set(cases["get_v1_search_metadata_options"]["body"]["options"])
    searched = (
        *(tables.ALERTS, tables.POLICIES, tables.DEPLOYMENTS, tables.PODS, tables.PROCESS_INDICATORS),
        *(tables.IMAGES, tables.IMAGES_V2, tables.IMAGE_COMPONENTS, tables.IMAGE_CVES, tables.NODES),
        *(tables.SECRETS, tables.NAMESPACES, tables.CLUSTERS, tables.CLUSTER_HEALTH),
        *(tables.SERVICE_ACCOUNTS, tables.K8S_ROLES, tables.ROLE_BINDINGS),
    )
    found = set(tables.CATALOG.own_options(*searched))
    assert found <= wanted
    # The first belongs to CVEs of nodes and clusters, the second is computed and has no column.
    assert wanted - found == {"CVE Snoozed", "Sensor Version Compatibility"}


def test_every_scoped_table_has_the_columns_of_its_reach() -> None:
    for table in tables.ALL:
        if table.cluster:
            assert table.column(table.cluster).kind is Kind.UUID, table.name
        if table.namespace:
            assert table.column(table.namespace).kind is Kind.TEXT, table.name
        assert table.reach.value == "global" or table.cluster or table.scoped_by, table.name
