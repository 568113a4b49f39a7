"""Enrichments in their stored form."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pyrox.errors import Internal
from pyrox.scan.advisories.enrichment import Epss, Kev, Nvd, RedHatAdvisory
from pyrox.scan.advisories.model import Advisory
from pyrox.scan.rendering import raw_of, text_of
from services.scanner_matcher.enrich import Record, collect, key_of, kind_of, pack, wanted

RECORDS: tuple[Record, ...] = (
    Nvd("CVE-1", "text", datetime(2026, 1, 1, tzinfo=UTC), None, "CVSS:3.1/x", 7.5),
    Epss("CVE-1", 0.5, 0.9, "2026-01-01", "v4"),
    Kev("CVE-1", "2026", "2026-01-01", "bad", "update", "2026-02-01", "Known"),
    RedHatAdvisory("RHSA-2026:1", "text", datetime(2026, 1, 1, tzinfo=UTC)),
)


def test_records_come_back_by_kind_and_key() -> None:
    found = collect((kind_of(record), key_of(record), pack(record)) for record in RECORDS)
    assert (found.nvd["CVE-1"], found.epss["CVE-1"], found.kev["CVE-1"]) == RECORDS[:3]
    assert found.red_hat["RHSA-2026:1"] == RECORDS[3]


@pytest.mark.parametrize(
    "row", [("nvd", "CVE-1", b"\xc1"), ("other", "CVE-1", b""), ("epss", "CVE-1", pack(RECORDS[0]))]
)
def test_row_that_is_no_record_is_an_error(row: tuple[str, str, bytes]) -> None:
    with pytest.raises(Internal, match="stored enrichment"):
        collect([row])


def test_keys_are_the_cves_and_red_hats_advisories() -> None:
    advisories = [
        Advisory(
            source="osv/pypi", key="1", name="GHSA-x", links="https://osv.dev/vulnerability/CVE-2026-0001"
        ),
        Advisory(
            source="rhel-vex",
            key="2",
            name="CVE-2026-0002",
            links="https://access.redhat.com/errata/RHSA-2026:1",
        ),
        Advisory(source="osv/pypi", key="3", name="PYSEC-1"),
    ]
    assert wanted([text_of(raw_of(advisory)) for advisory in advisories]) == {
        "CVE-2026-0001",
        "CVE-2026-0002",
        "RHSA-2026:1",
    }
