"""CSAF documents: products by their relationships, and which of several statements stands."""

from __future__ import annotations

import json

import pytest

from pyrox.scan.advisories import csaf
from tests.unit.pyrox.scan.advisories.vex_documents import RHEL8, document

CURL = "pkg:rpm/redhat/curl@7.61.1-33.el8?arch=x86_64"


def test_component_of_a_product() -> None:
    products = csaf.Products(csaf.decode(document({"fixed": [(RHEL8, CURL)]})))
    found = products.component(f"{RHEL8[0]}:{CURL}")
    assert isinstance(found, csaf.Component)
    assert (found.package.name, found.cpe, found.module) == ("curl", RHEL8[1], None)
    assert products.component("nothing") == "product without a relationship"


def test_newest_score_is_the_best() -> None:
    two, three, four = (csaf.Cvss(f"v{n}", float(n)) for n in (2, 3, 4))
    assert csaf.Score(cvss_v2=two, cvss_v3=three, cvss_v4=four).best() is four
    assert csaf.Score(cvss_v2=two, cvss_v3=three).best() is three
    assert csaf.Score(cvss_v2=two).best() is two
    assert csaf.Score().best() == csaf.Cvss()


def test_first_statement_about_a_product_stands() -> None:
    found = csaf.findings(
        csaf.Vulnerability(
            scores=[
                csaf.Score(["a"], cvss_v3=csaf.Cvss("one", 1)),
                csaf.Score(["a", "b"], cvss_v3=csaf.Cvss("two", 2)),
            ],
            threats=[
                csaf.Threat("exploit_status", "no", ["a"]),
                csaf.Threat("impact", "Low", ["a"]),
                csaf.Threat("impact", "High", ["a"]),
            ],
            remediations=[
                csaf.Remediation("workaround", "w", ["a"]),
                csaf.Remediation("vendor_fix", "", ["a"]),
                csaf.Remediation("vendor_fix", "one", ["a"]),
                csaf.Remediation("vendor_fix", "two", ["a", "b"]),
            ],
        )
    )
    assert {product: score.vector_string for product, score in found.scores.items()} == {
        "a": "one",
        "b": "two",
    }
    assert found.impacts == {"a": "Low"}
    assert found.fixes == {"a": "one", "b": "two"}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a":' * 10_000, b'{"document": 5}', b"\xff"])
def test_damaged_document_is_damage(content: bytes) -> None:
    with pytest.raises(csaf.DAMAGE):
        csaf.decode(content)


def test_package_of_a_module_has_the_module() -> None:
    module = "pkg:rpmmod/redhat/nodejs@18:8090?arch=x86_64"
    parts = json.loads(document({"fixed": [(RHEL8, module), (RHEL8, CURL)]}))
    relationships = parts["product_tree"]["relationships"]
    # The package is a part of the module in the repository, not of the repository itself.
    relationships[1]["relates_to_product_reference"] = f"{RHEL8[0]}:{module}"
    products = csaf.Products(csaf.decode(json.dumps(parts).encode()))
    found = products.component(f"{RHEL8[0]}:{CURL}")
    assert isinstance(found, csaf.Component)
    assert (found.package.name, found.cpe) == ("curl", RHEL8[1])
    assert found.module is not None
    assert found.module.name == "nodejs"
