"""JSON as Go prints it."""

from __future__ import annotations

from roxctl.output.jsontext import render


def test_render_indents_without_html_escapes() -> None:
    assert render({"a": "<&>é", "b": []}, compact=False) == '{\n  "a": "<&>é",\n  "b": []\n}\n'


def test_render_compact_has_no_spaces() -> None:
    assert render({"a": [1, 2]}, compact=True) == '{"a":[1,2]}\n'


def test_render_escapes_line_separators() -> None:
    assert render("\u2028\u2029", compact=True) == '"\\u2028\\u2029"\n'
