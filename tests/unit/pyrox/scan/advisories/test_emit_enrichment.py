"""What other feeds know of a CVE is read back from a bundle as it was written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pyrox.scan.advisories.bundle import read
from pyrox.scan.advisories.emit_enrichment import Record, line
from pyrox.scan.advisories.enrichment import Epss, Kev, Nvd, RedHatAdvisory

MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("record", "updater"),
    [
        (Nvd("CVE-2099-1"), "nvd"),
        (Nvd("CVE-2099-1", "words", MOMENT, MOMENT, "CVSS:3.0/x", 7.5, "AV:N", 5.0), "nvd"),
        (Epss("CVE-2099-1", 0.25, 0.5, "2024-01-01", "v2023"), "clair.epss"),
        (Kev("CVE-2099-1", "v", "a", "b", "c", "d", "Known"), "clair.kev"),
        (
            RedHatAdvisory("RHSA-2023:1", "t", MOMENT, "Important", "CVSS:3.1/x", 8.1, "AV:N", 4.0),
            "stackrox.rhel-csaf",
        ),
        (RedHatAdvisory("RHSA-2023:2"), "stackrox.rhel-csaf"),
    ],
)
def test_record_is_read_back_as_it_was(record: Record, updater: str) -> None:
    (found,) = read([line(record, fingerprint="f")], {})
    assert (found.updater, found.fingerprint, found.content) == (updater, "f", record)
    assert found.ref
