"""CSV with Go's quoting."""

from __future__ import annotations

import pytest

from roxctl.output.csvtext import line, render


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a,b", '"a,b"'),
        ('say "x"', '"say ""x"""'),
        ("two\nlines", '"two\nlines"'),
        (" leading", '" leading"'),
        ("trailing ", "trailing "),
        (r"\.", r'"\."'),
    ],
)
def test_line_quotes_what_go_quotes(cell: str, text: str) -> None:
    assert line([cell, "z"]) == f"{text},z\n"


def test_line_with_crlf_ends_so() -> None:
    assert line(["a", "b\nc"], crlf=True) == 'a,"b\r\nc"\r\n'


@pytest.mark.parametrize(
    ("show", "comment", "text"),
    [(True, False, "H,I\na,b\n"), (False, False, "a,b\n"), (True, True, "; H,I\na,b\n")],
)
def test_render_header_forms(show: bool, comment: bool, text: str) -> None:
    assert render(["H", "I"], [["a", "b"]], show_headers=show, as_comment=comment) == text
