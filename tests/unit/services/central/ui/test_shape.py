"""Values of the portal's contract: nothing is ever left out or not a number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.central.ui import shape

COUNTS = {"critical": 1, "important": 0, "moderate": 0, "low": 2, "unknown": 0}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=UTC), "2026-01-02T03:04:05.006000Z"),
        (datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T03:04:05Z"),
    ],
)
def test_time_is_rfc_3339_in_utc(value: datetime | None, expected: str | None) -> None:
    assert shape.time(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, 0.0), (0.0, 0.0), (9.800000190734863, 9.8), (10.0, 10.0)]
)
def test_score_has_the_decimal_that_was_published(value: float | None, expected: float) -> None:
    assert shape.score(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(None, None), (0.0, None), (0.9435700178146362, 0.94357)])
def test_probability_that_is_unknown_is_null(value: float | None, expected: float | None) -> None:
    assert shape.probability(value) == expected


def test_page_of_nothing_keeps_its_total() -> None:
    rows = [{"total": 7, "place": None}]
    assert shape.page(rows, shape.image_row) == {"total": 7, "items": []}


def test_image_row_without_anything_known_is_complete() -> None:
    row = {
        "id": "i",
        "digest": None,
        "name": None,
        "os": None,
        "created": None,
        "scanned": None,
        "topcvss": None,
        "first": None,
        "deployments": 0,
        "fixable": 1,
        "notfixable": 2,
        **COUNTS,
    }
    assert shape.image_row(row) == {
        "id": "i",
        "digest": "",
        "name": "",
        "severityCounts": COUNTS,
        "fixableCounts": {"fixable": 1, "notFixable": 2},
        "operatingSystem": "",
        "deploymentCount": 0,
        "created": None,
        "scanTime": None,
        "scanned": False,
        "topCvss": 0.0,
        "firstDiscovered": None,
    }


def test_deployment_row_without_anything_known_is_complete() -> None:
    empty = dict.fromkeys(("name", "type", "clusterid", "clustername", "namespace"))
    row = {"id": "d", "images": 3, "first": None, "fixable": 0, "notfixable": 0, **empty, **COUNTS}
    made = shape.deployment_row(row)
    assert made["clusterName"] == made["type"] == made["namespace"] == ""
    assert (made["imageCount"], made["firstDiscovered"]) == (3, None)


def test_image_cves_group_components_by_place() -> None:
    shared = {
        "total": 2, "severity": 4, "cvss": 9.8, "nvdcvss": 0, "epss": None, "kev": False, "fixable": True,
        "components": 2, "first": None, "published": None, "oneseverity": 3, "onecvss": 5.0,
        "serialized": b"", "component": b"",
    }  # fmt: skip
    rows = [
        {"cve": "A", "place": 1, **shared},
        {"cve": "A", "place": 1, **shared},
        {"cve": "B", "place": 2, **shared},
    ]
    answer = shape.image_cve_page(rows, {})
    assert answer["total"] == 2
    assert [(item["cve"], len(item["components"])) for item in answer["items"]] == [("A", 2), ("B", 1)]
    assert answer["items"][0]["severity"] == "CRITICAL_VULNERABILITY_SEVERITY"
    assert answer["items"][0]["components"][0]["severity"] == "IMPORTANT_VULNERABILITY_SEVERITY"
