"""Ids and places that both forms need."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from pyrox.scan.model import IndexReport
from pyrox.scan.sbom.document import Document, in_order, reference, repositories_of, system_of


def test_ids_are_sorted_as_numbers_and_texts_come_last() -> None:
    assert in_order(["10", "9", "b", "a", "1"]) == ["1", "9", "10", "a", "b"]


def test_reference_has_only_what_spdx_allows() -> None:
    assert reference("a/b:c_d 1.2-3") == "a-b-c-d-1.2-3"


def test_stamp_is_utc_in_whole_seconds() -> None:
    moment = datetime(2026, 1, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert Document("n", "s", "u", moment).stamp == "2026-01-01T00:03:04Z"
    assert Document("n", "s", "u", datetime(2026, 1, 1, tzinfo=UTC)).stamp == "2026-01-01T00:00:00Z"


def test_places_of_a_package(report: IndexReport) -> None:
    found = system_of(report, "2")
    assert found is not None
    assert found.did == "debian"
    assert system_of(report, "4") is None
    assert [r.name for r in repositories_of(report, "4")] == ["pypi"]
    assert repositories_of(report, "unknown") == []
