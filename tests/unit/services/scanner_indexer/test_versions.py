"""The order of Indexer versions decides which external report is kept."""

from __future__ import annotations

import pytest

from services.scanner_indexer.versions import order_key, overwrites


def test_versions_stand_in_their_order() -> None:
    texts = [
        "4.9.x-1-gabc",
        "4.9.x-20-gabc-dirty",
        "4.9.0-rc.1",
        "4.9.0-rc.2",
        "4.9.0",
        "4.9.0-3-gabc",
        "4.10.0",
    ]
    keys = [order_key(text) for text in texts]
    assert None not in keys
    assert keys == sorted(keys, key=lambda key: key or ())


@pytest.mark.parametrize(
    ("incoming", "stored", "wins"),
    [
        ("4.9.0", "4.9.0", True),
        ("4.9.1", "4.9.0", True),
        ("4.8.9", "4.9.0", False),
        ("4.9.0", "v4", True),
        ("v4", "4.9.0", False),
        ("v4", "", True),
    ],
)
def test_report_is_replaced_by_one_that_is_not_older(incoming: str, stored: str, *, wins: bool) -> None:
    assert overwrites(incoming, stored) is wins
