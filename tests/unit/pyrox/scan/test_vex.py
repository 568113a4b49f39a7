"""OpenVEX: what is read, what is refused, which hits a statement ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyrox.scan.model import Package
from pyrox.scan.sbom.purl import parse
from pyrox.scan.vex import InvalidVex, Place, Status, overruled, read

IMAGE = "sha256:" + "a" * 64
LIBC = Package(
    name="libc6",
    version="2.36-9",
    ecosystem="dpkg",
    arch="amd64",
    source_name="glibc",
    source_version="2.36-9",
)
PURL = parse("pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc")
PLACE = Place(IMAGE, LIBC, PURL)


def statement(*products: Any, **more: Any) -> dict[str, Any]:
    return {
        "vulnerability": {"name": "CVE-2026-0001", "aliases": ["GHSA-aaaa-bbbb-cccc"]},
        "products": list(products) or [{"@id": IMAGE}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_present",
        **more,
    }


def document(*statements: dict[str, Any], **more: Any) -> bytes:
    head = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.org/vex-1",
        "author": "Somebody",
        "timestamp": "2026-11-01T00:00:00Z",
    }
    return json.dumps({**head, "statements": list(statements), **more}).encode()


def outcome(*statements: dict[str, Any], place: Place = PLACE, name: str = "CVE-2026-0001") -> Status | None:
    found = overruled([name], place, read(document(*statements)).statements)
    return found.status if found else None


def test_document_is_read_with_its_names_and_reason() -> None:
    found = read(document(statement(impact_statement="we build without it")))
    assert (found.id, found.author) == ("https://example.org/vex-1", "Somebody")
    assert found.vulnerabilities == {"CVE-2026-0001", "GHSA-AAAA-BBBB-CCCC"}
    assert found.statements[0].reason == (
        "https://example.org/vex-1 says not_affected (vulnerable_code_not_present; we build without it)"
    )


@pytest.mark.parametrize(
    "product",
    [
        {"@id": IMAGE},
        {"@id": "pkg:oci/app@sha256%3A" + "a" * 64 + "?repository_url=example.org/app"},
        IMAGE,
        {"@id": "pkg:deb/debian/libc6"},
        {"@id": "pkg:deb/debian/libc6@2.36-9"},
        {"@id": "pkg:deb/debian/libc6@2.36-9?arch=amd64"},
        {"@id": "pkg:deb/debian/libc6?distro=debian-12"},
        {"@id": "pkg:deb/debian/glibc@2.36-9?arch=source"},
        {"@id": "x", "identifiers": {"purl": "pkg:deb/debian/libc6@2.36-9"}},
        {"@id": IMAGE, "subcomponents": [{"@id": "pkg:deb/debian/libc6"}]},
        {"@id": "our product", "subcomponents": [{"@id": "pkg:deb/debian/libc6@2.36-9"}]},
    ],
)
def test_product_that_is_the_image_or_the_package_ends_the_hit(product: Any) -> None:
    assert outcome(statement(product)) is Status.NOT_AFFECTED


@pytest.mark.parametrize(
    "product",
    [
        {"@id": "sha256:" + "b" * 64},
        {"@id": "pkg:oci/app@sha256%3A" + "b" * 64},
        {"@id": "pkg:oci/app"},
        {"@id": "pkg:deb/debian/libc6@2.37-1"},
        {"@id": "pkg:deb/debian/libc6?arch=arm64"},
        {"@id": "pkg:deb/ubuntu/libc6"},
        {"@id": "pkg:rpm/debian/libc6"},
        {"@id": "pkg:deb/debian/glibc@2.36-9"},
        {"@id": "pkg:"},
        {"@id": "libc6"},
        {"@id": IMAGE, "subcomponents": [{"@id": "pkg:deb/debian/bash"}]},
        {"@id": "sha256:" + "b" * 64, "subcomponents": [{"@id": "pkg:deb/debian/libc6"}]},
    ],
)
def test_other_product_ends_nothing(product: Any) -> None:
    assert outcome(statement(product)) is None


def test_package_without_a_url_is_known_by_its_image_only() -> None:
    place = Place(IMAGE, Package(name="x", version="1", ecosystem=""), None)
    assert outcome(statement({"@id": "pkg:npm/x"}), place=place) is None
    assert outcome(statement({"@id": IMAGE}), place=place) is Status.NOT_AFFECTED


def test_alias_is_as_good_as_the_name_and_another_vulnerability_is_not() -> None:
    assert outcome(statement(), name="GHSA-AAAA-BBBB-CCCC") is Status.NOT_AFFECTED
    assert outcome(statement(), name="CVE-2026-0002") is None


def test_last_statement_by_time_counts() -> None:
    early = statement(timestamp="2026-11-02T00:00:00Z")
    late = statement(timestamp="2026-11-03T00:00:00Z", status="affected")
    assert outcome(late, early) is None
    assert (
        outcome(early, statement(last_updated="2026-11-04T00:00:00Z", status="fixed"), late) is Status.FIXED
    )


@pytest.mark.parametrize("status", ["affected", "under_investigation"])
def test_status_that_ends_nothing(status: str) -> None:
    assert outcome(statement(status=status)) is None


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "no OpenVEX document"),
        (b"[" * 100_000, "no OpenVEX document"),
        (b"{}", "@context"),
        (document(**{"@id": ""}), "@id is missing"),
        (document(statement(status="harmless")), "statement 1: status 'harmless' is none of OpenVEX"),
        (document(statement(), statement(justification="")), "statement 2: not_affected needs"),
        (document(statement(vulnerability={})), "statement 1: the vulnerability has no name"),
        (document(statement() | {"products": []}), "statement 1: it must have between 1 and"),
        (document(statement(), timestamp="soon"), "statement 1: neither it nor the document has a timestamp"),
    ],
)
def test_document_that_breaks_a_rule_is_refused_as_a_whole(raw: bytes, words: str) -> None:
    with pytest.raises(InvalidVex, match=words):
        read(raw)


def test_old_form_of_names_is_read() -> None:
    old = statement("pkg:deb/debian/libc6", vulnerability="CVE-2026-0001")
    assert outcome(old) is Status.NOT_AFFECTED
    by_id = statement(vulnerability={"@id": "https://nvd.example/vuln/CVE-2026-0001"})
    assert outcome(by_id) is Status.NOT_AFFECTED


def test_document_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrox.scan.vex.MAX_BYTES", 10)
    with pytest.raises(InvalidVex, match="at most 10 are read"):
        read(document())
