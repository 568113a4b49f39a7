"""Builds small VEX documents in Red Hat's form for the tests of their readers."""

from __future__ import annotations

import json
from typing import Any

RHEL8 = ("rhel8", "cpe:/o:redhat:enterprise_linux:8::baseos")
OPENSHIFT = ("ose4.12", "cpe:/a:redhat:openshift:4.12::el8")


def _branch(product: str, helper: dict[str, str]) -> dict[str, Any]:
    return {"product": {"product_id": product, "name": product, "product_identification_helper": helper}}


def document(
    statuses: dict[str, list[tuple[tuple[str, str], str]]],
    *,
    name: str = "CVE-2099-1",
    status: str = "final",
    **vulnerability: Any,
) -> bytes:
    """A document whose statuses hold (product, package URL) pairs; ids are `product:package URL`."""
    products = dict(pair[0] for pairs in statuses.values() for pair in pairs)
    packages = {pair[1] for pairs in statuses.values() for pair in pairs}
    relationships = [
        {
            "category": "default_component_of",
            "full_product_name": {"product_id": f"{product[0]}:{package}", "name": ""},
            "product_reference": package,
            "relates_to_product_reference": product[0],
        }
        for pairs in statuses.values()
        for product, package in pairs
    ]
    branches = [
        {"branches": [_branch(product, {"cpe": cpe}) for product, cpe in products.items()]},
        {"branches": [{"branches": [_branch(package, {"purl": package}) for package in sorted(packages)]}]},
    ]
    found = {
        "cve": name,
        "release_date": "2023-10-11T06:00:00+00:00",
        "notes": [{"category": "description", "text": "words"}, {"category": "other", "text": "no"}],
        "references": [{"category": "external", "url": f"https://www.cve.org/CVERecord?id={name}"}],
        "product_status": {
            status: [f"{product[0]}:{package}" for product, package in pairs]
            for status, pairs in statuses.items()
        },
    } | vulnerability
    return json.dumps(
        {
            "document": {
                "tracking": {
                    "id": name,
                    "status": status,
                    "current_release_date": "2024-01-01T00:00:00+00:00",
                },
                "references": [{"category": "self", "url": f"https://example.org/{name}.json"}],
            },
            "product_tree": {"branches": branches, "relationships": relationships},
            "vulnerabilities": [found],
        }
    ).encode()
