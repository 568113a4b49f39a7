"""Tab-aligned columns."""

from __future__ import annotations

import pytest

from roxctl.output.columns import aligned


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], ""),
        ([["Name", "ID"]], "Name\tID\n"),
        ([["Name", "ID"], ["a-longer-name", "x"]], "Name\t\tID\na-longer-name\tx\n"),
        ([["1234567", "x"], ["", "y"]], "1234567\t\tx\n\t\ty\n"),
    ],
)
def test_aligned_fills_with_tabs_up_to_a_multiple_of_eight(rows: list[list[str]], text: str) -> None:
    assert aligned(rows) == text
