"""Debian's tracker: what becomes rows, and what is skipped."""

from __future__ import annotations

import gzip
import json

import pytest

from pyrox.scan.advisories.model import HIGHEST, ParsedAdvisory, Severity, Skipped
from pyrox.scan.ecosystems.dpkg.update import DebianSource
from pyrox.scan.model import Kind

TRACKER = {
    "openssl": {
        "CVE-1": {
            "description": "words",
            "releases": {
                "bookworm": {"status": "resolved", "fixed_version": "3.0-1", "urgency": "high"},
                "trixie": {"status": "open", "urgency": "high"},
                "sid": {"fixed_version": "3.1"},
                "bullseye": {"fixed_version": "0", "urgency": "low"},
            },
        },
        "CVE-2": 7,
    },
    "libssl": {"CVE-1": {"releases": {"bookworm": {"fixed_version": "9", "urgency": "high"}}}},
}


def test_debian_one_advisory_per_cve_and_urgency_with_all_rows() -> None:
    found = list(DebianSource().parse("debian/tracker.json.gz", gzip.compress(json.dumps(TRACKER).encode())))
    (parsed,) = [item for item in found if isinstance(item, ParsedAdvisory)]
    advisory = parsed.advisory
    assert (advisory.key, advisory.name, advisory.description) == ("CVE-1 high", "CVE-1", "words")
    assert (advisory.severity, advisory.normalized) == ("high", Severity.CRITICAL)
    assert advisory.links == "https://security-tracker.debian.org/tracker/CVE-1"
    assert [(r.namespace, r.package, r.kind, r.fixed_in, r.hi == HIGHEST) for r in parsed.rows] == [
        ("debian:12", "openssl", Kind.SOURCE, "3.0-1", False),
        ("debian:13", "openssl", Kind.SOURCE, "", True),
        ("debian:12", "libssl", Kind.SOURCE, "9", False),
    ]
    reasons = [item.reason for item in found if isinstance(item, Skipped)]
    assert [reason.partition(":")[0] for reason in reasons] == [
        "release 'sid' has no number",
        "never affected",
        "malformed",
    ]


@pytest.mark.parametrize("data", [b"[", b"\x1f\x8bno", b'{"a": []}', b'{"a":' * 5000])
def test_debian_broken_document_is_skipped(data: bytes) -> None:
    (found,) = DebianSource().parse("debian/tracker.json", data)
    assert isinstance(found, Skipped)


@pytest.mark.parametrize(
    "data",
    [
        b'{"\xff": {}}',
        b'{"a": {"\xff": {}}}',
        b'{"a": {"CVE-1": {"description": "\xff"}}}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_debian_document_that_is_not_utf8_is_skipped(data: bytes) -> None:
    (found,) = DebianSource().parse("debian/tracker.json", data)
    assert isinstance(found, Skipped)
    assert "malformed" in found.reason


@pytest.mark.parametrize(
    ("urgency", "severity"),
    [
        ("not yet assigned", 0),
        ("unimportant", 1),
        ("low", 2),
        ("low**", 2),
        ("medium*", 3),
        ("high", 4),
        ("end-of-life", 0),
    ],
)
def test_debian_urgency_gives_the_severity(urgency: str, severity: int) -> None:
    tracker = {"p": {"CVE-1": {"releases": {"bookworm": {"urgency": urgency}}}}}
    (parsed,) = DebianSource().parse("debian/tracker.json", json.dumps(tracker).encode())
    assert isinstance(parsed, ParsedAdvisory)
    assert (parsed.advisory.key, parsed.advisory.severity) == (f"CVE-1 {urgency}", urgency)
    assert parsed.advisory.normalized == severity


def test_debian_fixed_version_without_a_place_falls_back() -> None:
    tracker = {"p": {"CVE-1": {"releases": {"bookworm": {"fixed_version": "not a version"}}}}}
    (parsed,) = DebianSource().parse("debian/tracker.json", json.dumps(tracker).encode())
    assert isinstance(parsed, ParsedAdvisory)
    (row,) = parsed.rows
    assert (row.fallback, row.lo, row.hi, row.fixed_in) == (True, b"", HIGHEST, "not a version")
    assert parsed.advisory.key == "CVE-1"


@pytest.mark.parametrize(
    ("path", "accepted"),
    [
        ("debian/tracker.json", True),
        ("debian/tracker.json.gz", True),
        ("debian/readme.txt", False),
        ("debianx/tracker.json", False),
        ("ubuntu/debian/tracker.json", False),
    ],
)
def test_debian_source_accepts_its_documents(path: str, accepted: bool) -> None:
    assert DebianSource().accepts(path) is accepted
