"""The table's drawing: widths, merging, lines in a cell."""

from __future__ import annotations

from roxctl.output.table import render


def lines(*text: str) -> str:
    return "".join(f"{line}\n" for line in text)


def test_render_centres_cells_and_rules_every_row() -> None:
    assert render(["A_B", "C"], [["x", "long"]], merge=False) == lines(
        "+-----+------+",
        "| A B |  C   |",
        "+-----+------+",
        "|  x  | long |",
        "+-----+------+",
    )


def test_render_merges_cells_whose_left_neighbours_are_merged() -> None:
    rows = [["p", "1", "a"], ["p", "1", "b"], ["p", "2", "b"], ["q", "2", "b"]]
    assert render(["X", "Y", "Z"], rows, merge=True) == lines(
        "+---+---+---+",
        "| X | Y | Z |",
        "+---+---+---+",
        "| p | 1 | a |",
        "|   |   +---+",
        "|   |   | b |",
        "|   +---+---+",
        "|   | 2 | b |",
        "+---+---+---+",
        "| q | 2 | b |",
        "+---+---+---+",
    ).replace("|   |   +---+", "|   |   +---+")


def test_render_without_merge_repeats_cells() -> None:
    assert render(["X"], [["p"], ["p"]], merge=False).count("p") == 2


def test_render_splits_cells_at_newlines() -> None:
    assert render(["X", "Y"], [["- a\n- bb", "c"]], merge=True, show_headers=False) == lines(
        "+------+---+",
        "| - a  | c |",
        "| - bb |   |",
        "+------+---+",
    )


def test_render_without_rows_is_the_header() -> None:
    assert render(["X"], [], merge=True) == lines("+---+", "| X |", "+---+")


def test_render_counts_wide_characters_twice() -> None:
    assert render(["X"], [["漢字"]], merge=True, show_headers=False) == lines(
        "+------+", "| 漢字 |", "+------+"
    )
