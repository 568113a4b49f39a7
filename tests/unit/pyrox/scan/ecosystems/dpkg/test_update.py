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
