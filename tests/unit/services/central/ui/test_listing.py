"""Page and order of the portal's lists."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from services.central.ui.listing import Listing, severity_counts

KEYS = {"severity": ("critical", "low"), "name": ("name",), "cve": ("cve",)}


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-severity", "critical DESC NULLS LAST, low DESC NULLS LAST, name, id"),
        ("severity", "critical ASC NULLS LAST, low ASC NULLS LAST, name, id"),
        ("name", "name ASC NULLS LAST, id"),
        ("-cve", "cve DESC NULLS LAST, name, id"),
    ],
)
def test_order_ends_with_the_ties(sort: str, expected: str) -> None:
    assert Listing(sort=sort).order(KEYS, ("name", "id")) == expected


@pytest.mark.parametrize("sort", ["", "-", "nosuch", "--name", "name; DROP TABLE images", "name,id"])
def test_order_by_anything_else_is_refused(sort: str) -> None:
    with pytest.raises(Invalid, match="cannot sort by"):
        Listing(sort=sort).order(KEYS, ("name", "id"))


def test_severity_counts_name_every_severity_once() -> None:
    sql = severity_counts("s")
    assert sql.startswith("count(*) FILTER (WHERE s = 4) AS critical")
    assert [sql.count(f"s = {number})") for number in range(5)] == [1] * 5
