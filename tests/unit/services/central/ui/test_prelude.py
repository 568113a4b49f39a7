"""Where each term of a query goes, and that the scope is part of the statement."""

from __future__ import annotations

import pytest

from pyrox.rpc.scope import EVERYTHING, NOTHING, Scope
from services.central.db.query import Query
from services.central.ui.prelude import Prelude, Scopes, Terms

ALL = Scopes(images=EVERYTHING, deployments=EVERYTHING)
CLUSTER = "6c7a0a4e-3d0c-4e22-9f0f-5a8a2f6b1d11"


@pytest.mark.parametrize(
    ("label", "level"),
    [
        ("CVE", "findings"),
        ("Severity", "findings"),
        ("Fixable", "findings"),
        ("Component", "findings"),
        ("Image", "images"),
        ("Image OS", "images"),
        ("Deployment", "deployments"),
        ("Namespace", "deployments"),
        ("Namespace Label", "deployments"),
        ("Cluster", "deployments"),
        ("Cluster Label", "deployments"),
    ],
)
def test_term_goes_where_its_label_lives(label: str, level: str) -> None:
    terms = Terms.of(Query.match(label, "x"))
    assert {name: len(getattr(terms, name).terms) for name in ("findings", "images", "deployments")} == {
        name: int(name == level) for name in ("findings", "images", "deployments")
    }


def test_unknown_label_goes_nowhere() -> None:
    assert Terms.of(Query.match("No Such Label", "x")) == Terms()


def test_values_are_arguments_and_never_part_of_the_text() -> None:
    prelude = Prelude(Query.match("Image", "'; DROP TABLE images --"), ALL)
    assert "DROP" not in prelude.sql()
    assert any("DROP" in str(value) for value in prelude.args.values)


def test_limited_scope_is_in_the_images_and_in_the_deployments() -> None:
    limited = Scope(namespaces={CLUSTER: frozenset({"red"})})
    unlimited = Prelude(Query(), ALL).sql()
    prelude = Prelude(Query(), Scopes(images=limited, deployments=limited))
    sql = prelude.sql()
    assert "unnest" not in unlimited
    images, _, deployments = sql.partition("\nd AS (")
    assert "unnest" in images
    assert "unnest" in deployments.partition("\nv AS (")[0]
    assert ["red"] in prelude.args.values


def test_empty_scope_shows_nothing() -> None:
    sql = Prelude(Query(), Scopes(images=NOTHING, deployments=NOTHING)).sql()
    assert sql.count("FALSE") >= 2


def test_deployment_terms_narrow_the_images() -> None:
    assert "EXISTS (SELECT 1 FROM d" in Prelude(Query.match("Namespace", "red"), ALL).sql()
    assert "EXISTS (SELECT 1 FROM d" not in Prelude(Query.match("CVE", "x"), ALL).sql()
