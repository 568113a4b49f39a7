"""Columns aligned by tabs, as Go's tabwriter does with upstream's settings (4, 8, 2, tab)."""

from __future__ import annotations

from collections.abc import Sequence

_MIN_WIDTH, _TAB_WIDTH, _PADDING = 4, 8, 2


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """The rows, each ended; all of them have the same number of cells, the last is not padded."""
    columns = len(rows[0]) - 1 if rows else 0
    widths = [_cell_width(max(len(row[column]) for row in rows)) for column in range(columns)]
    lines = []
    for row in rows:
        padded = [
            text + "\t" * -(-(width - len(text)) // _TAB_WIDTH)
            for text, width in zip(row, widths, strict=False)
        ]
        lines.append("".join([*padded, row[-1]]) + "\n")
    return "".join(lines)


def _cell_width(longest: int) -> int:
    width = max(longest + _PADDING, _MIN_WIDTH)
    return -(-width // _TAB_WIDTH) * _TAB_WIDTH
