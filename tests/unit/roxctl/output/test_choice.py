"""What the printer flags select."""

from __future__ import annotations

import pytest

from roxctl.errors import CliError
from roxctl.output.choice import Choice

HEADERS = ("A", "B", "C")
ROWS = [("1", "", "3"), ("4", "5", "6")]


def test_tabular_selects_and_orders_columns() -> None:
    choice = Choice("csv", headers=("C", "A"))
    assert choice.tabular(HEADERS, ROWS) == "C,A\n3,1\n6,4\n"


def test_tabular_leaves_out_rows_without_required_cells() -> None:
    assert Choice("csv", required=("B",)).tabular(HEADERS, ROWS) == "A,B,C\n4,5,6\n"


def test_tabular_shows_a_dash_for_nothing() -> None:
    assert Choice("csv", no_header=True).tabular(HEADERS, ROWS) == "1,-,3\n4,5,6\n"


def test_tabular_refuses_unknown_columns() -> None:
    with pytest.raises(CliError, match=r"unknown header\(s\) Z; choose from A, B, C"):
        Choice("table", headers=("Z",)).tabular(HEADERS, ROWS)


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        (Choice("yaml"), 'unsupported output format used: "yaml". Choose one of table | csv'),
        (Choice("csv", no_header=True, comment_header=True), "cannot specify both --no-header"),
    ],
)
def test_check_refuses_what_cannot_be(choice: Choice, text: str) -> None:
    with pytest.raises(CliError) as caught:
        choice.check("image scan result", ("table", "csv"))
    assert text in str(caught.value)
    assert str(caught.value).startswith("could not create printer for image scan result: ")


@pytest.mark.parametrize(
    ("form", "programs"), [("table", False), ("json", True), ("sarif", True), ("junit", True)]
)
def test_for_programs(form: str, programs: bool) -> None:
    assert Choice(form).for_programs is programs
