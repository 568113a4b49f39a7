"""CycloneDX 1.6: what the validator of CycloneDX says, and what stands in it."""

from __future__ import annotations

import json

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pyrox.scan.model import IndexReport
from pyrox.scan.sbom import cyclonedx
from pyrox.scan.sbom.document import Document


def test_document_is_valid(report: IndexReport, document: Document) -> None:
    raw = cyclonedx.write(report, document).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(raw) is None
    assert (
        JsonStrictValidator(SchemaVersion.V1_6).validate_str(raw.replace('"version":1', '"version":"x"', 1))
        is not None
    )


def test_document_without_packages_is_valid(document: Document) -> None:
    raw = cyclonedx.write(IndexReport(), document).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(raw) is None


def test_components_are_the_system_and_the_packages(report: IndexReport, document: Document) -> None:
    found = json.loads(cyclonedx.write(report, document))
    assert [(c["type"], c["name"]) for c in found["components"]] == [
        ("operating-system", "debian"),
        ("library", "libc6"),
        ("library", "Requests"),
        ("library", "team/app"),
        ("library", "libc-bin"),
    ]
    assert found["components"][2]["purl"] == "pkg:pypi/Requests@2.19.0"
    assert "purl" not in found["components"][3]
    assert {p["name"]: p["value"] for p in found["components"][1]["properties"]} == {
        "pyrox:package_db": "var/lib/dpkg/status",
        "pyrox:layer": "sha256:" + "1" * 64,
        "pyrox:source": "glibc 2.36-9",
    }


def test_head_names_image_and_tool_and_its_number_follows_the_namespace(
    report: IndexReport, document: Document
) -> None:
    found = json.loads(cyclonedx.write(report, document))
    assert found["metadata"]["component"]["name"] == "registry.example/team/app:1"
    assert found["metadata"]["timestamp"] == "2026-11-24T17:00:00Z"
    assert found["metadata"]["tools"]["components"][0]["version"] == "4.11.0"
    assert found["serialNumber"] == json.loads(cyclonedx.write(IndexReport(), document))["serialNumber"]
