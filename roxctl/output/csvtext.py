"""Comma-separated values with the quoting of Go's encoder."""

from __future__ import annotations

from collections.abc import Sequence

_ENDINGS = {False: "\n", True: "\r\n"}


def line(cells: Sequence[str], *, crlf: bool = False) -> str:
    """One record, ended."""
    return ",".join(_field(cell, crlf=crlf) for cell in cells) + _ENDINGS[crlf]


def render(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, show_headers: bool, as_comment: bool
) -> str:
    """All records; the header may be left out, or marked as a comment."""
    head = f"; {line(headers)}" if as_comment else line(headers)
    return (head if show_headers else "") + "".join(line(row) for row in rows)


def _field(text: str, *, crlf: bool) -> str:
    if text and (text == r"\." or text[0].isspace() or any(char in text for char in ',"\r\n')):
        body = text.replace('"', '""')
        return f'"{body.replace(chr(10), chr(13) + chr(10)) if crlf else body}"'
    return text
