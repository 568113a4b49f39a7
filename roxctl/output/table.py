"""Tables as upstream's renderer draws them: ASCII, centred cells, a line after each row.

With `merge` a cell equal to the one above, with all cells to its left merged as well,
is left empty, and the line between the two is left out (tablewriter's hierarchical
merge).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

Row = Sequence[str]


def render(headers: Row, rows: Sequence[Row], *, merge: bool, show_headers: bool = True) -> str:
    """The whole table, each line ended; the columns are those of `headers`."""
    shown = [header.replace("_", " ").upper() for header in headers]
    cells = [[cell.splitlines() or [""] for cell in row] for row in rows]
    head = [[name] for name in shown] if show_headers else [[] for _ in shown]
    widths = [
        max(
            (
                _width(line)
                for column in ([*head[i : i + 1]], *((row[i],) for row in cells))
                for part in column
                for line in part
            ),
            default=0,
        )
        for i in range(len(shown))
    ]
    merged = _merged(rows) if merge else [[False] * len(shown) for _ in rows]
    lines = [_rule(widths, [False] * len(shown))]
    if show_headers:
        lines += [_line(shown, widths), _rule(widths, [False] * len(shown))]
    for number, row in enumerate(cells):
        lines += _row(row, widths, merged[number])
        below = merged[number + 1] if number + 1 < len(cells) else [False] * len(shown)
        lines.append(_rule(widths, below))
    return "".join(f"{line}\n" for line in lines)


def _merged(rows: Sequence[Row]) -> list[list[bool]]:
    """Which cells continue the one above."""
    result = []
    above: Row = ()
    for row in rows:
        flags, going = [], True
        for column, cell in enumerate(row):
            going = going and bool(cell) and column < len(above) and above[column] == cell
            flags.append(going)
        result.append(flags)
        above = row
    return result


def _row(row: Sequence[Sequence[str]], widths: Sequence[int], merged: Sequence[bool]) -> list[str]:
    shown = [[""] if skip else list(cell) for cell, skip in zip(row, merged, strict=True)]
    height = max(len(cell) for cell in shown)
    return [_line([cell[i] if i < len(cell) else "" for cell in shown], widths) for i in range(height)]


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"| {_centred(text, width)} " for text, width in zip(texts, widths, strict=True)) + "|"


def _centred(text: str, width: int) -> str:
    left, odd = divmod(width - _width(text), 2)
    return " " * left + text + " " * (left + odd)


def _rule(widths: Sequence[int], open_below: Sequence[bool]) -> str:
    """A line between rows; where a merged cell goes on it stays open."""
    parts = ["|" if open_below and open_below[0] else "+"]
    for column, width in enumerate(widths):
        parts.append((" " if open_below[column] else "-") * (width + 2))
        both = open_below[column] and (column + 1 == len(widths) or open_below[column + 1])
        parts.append("|" if both else "+")
    return "".join(parts)


def _width(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
