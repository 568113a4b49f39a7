"""SPDX 2.3: upstream's form, and what the validator of SPDX says."""

from __future__ import annotations

import json
from pathlib import Path

from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from pyrox.scan.model import EMPTY_CPE, Distribution, Environment, IndexReport, Package, Repository
from pyrox.scan.sbom import spdx
from pyrox.scan.sbom.document import Document


def complaints(raw: bytes, directory: Path) -> list[str]:
    path = directory / "document.spdx.json"
    path.write_bytes(raw)
    return [message.validation_message for message in validate_full_spdx_document(parse_file(str(path)))]


def test_document_is_valid(report: IndexReport, document: Document, tmp_path: Path) -> None:
    assert complaints(spdx.write(report, document), tmp_path) == []


def test_document_without_packages_is_written(document: Document) -> None:
    found = json.loads(spdx.write(IndexReport(), document))
    assert (found["packages"], found["relationships"]) == ([], [])


def test_head_is_upstreams(report: IndexReport, document: Document) -> None:
    found = json.loads(spdx.write(report, document))
    assert {key: found[key] for key in found if key not in {"packages", "relationships"}} == {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "sha256:abc",
        "documentNamespace": document.namespace,
        "comment": "Generated for 'registry.example/team/app:1'",
        "creationInfo": {
            "creators": ["Tool: scanner-v4-matcher-4.11.0"],
            "created": "2026-11-24T17:00:00Z",
        },
    }


def test_packages_come_by_number_then_systems_then_repositories(
    report: IndexReport, document: Document
) -> None:
    found = json.loads(spdx.write(report, document))
    assert [item["SPDXID"].removeprefix("SPDXRef-") for item in found["packages"]] == [
        "Package-1", "Package-2", "Package-4", "Package-5", "Package-10", "Distribution-1", "Repository-1",
    ]  # fmt: skip
    by_id = {item["SPDXID"]: item for item in found["packages"]}
    source, package, other = (by_id[f"SPDXRef-Package-{n}"] for n in (1, 2, 5))
    assert (source["name"], source["primaryPackagePurpose"], source["filesAnalyzed"]) == (
        "glibc",
        "SOURCE",
        False,
    )
    assert (package["packageFileName"], package["primaryPackagePurpose"]) == (
        "var/lib/dpkg/status",
        "APPLICATION",
    )
    assert other["primaryPackagePurpose"] == "SOURCE"
    assert package["externalRefs"] == [
        {
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc",
        }
    ]
    system = by_id["SPDXRef-Distribution-1"]
    assert (system["summary"], system["primaryPackagePurpose"]) == ("distribution", "OPERATING-SYSTEM")
    assert [ref["referenceLocator"] for ref in system["externalRefs"]] == ["debian", "12"]


def test_ties_name_source_system_and_repository(report: IndexReport, document: Document) -> None:
    found = json.loads(spdx.write(report, document))
    short = {
        (
            tie["spdxElementId"].removeprefix("SPDXRef-"),
            tie["relationshipType"],
            tie["relatedSpdxElement"].removeprefix("SPDXRef-"),
        )
        for tie in found["relationships"]
    }
    assert ("Package-2", "GENERATED_FROM", "Package-1") in short
    assert ("Package-10", "CONTAINED_BY", "Distribution-1") in short
    assert ("Package-4", "CONTAINED_BY", "Repository-1") in short
    assert ("DOCUMENT", "DESCRIBES", "Package-5") in short
    assert len(short) == len(found["relationships"]) == 10


def test_odd_ids_and_missing_source_ids_stay_valid(document: Document, tmp_path: Path) -> None:
    made = IndexReport()
    made.packages["a/b c"] = Package(
        name="x", version="1", ecosystem="rpm", source_name="y+z", source_version="1:2-3"
    )
    cpe = "cpe:2.3:o:redhat:enterprise_linux:9:*:*:*:*:*:*:*"
    made.distributions["d_1"] = Distribution(did="rhel", name="RHEL", version="9", cpe=EMPTY_CPE)
    made.repositories["r_1"] = Repository(name=cpe, key="rhel-cpe-repository", uri="repoid=a", cpe=cpe)
    made.environments["a/b c"] = (
        Environment("", "", distribution_id="d_1", repository_ids=("r_1", "missing")),
        Environment("sqlite:usr/share/rpm", "", distribution_id="missing"),
    )
    raw = spdx.write(made, document)
    assert complaints(raw, tmp_path) == []
    names = [item["SPDXID"] for item in json.loads(raw)["packages"]]
    assert names == [
        "SPDXRef-Package-a-b-c", "SPDXRef-Package-source-y-z-1-2-3",
        "SPDXRef-Distribution-d-1", "SPDXRef-Repository-r-1",
    ]  # fmt: skip
