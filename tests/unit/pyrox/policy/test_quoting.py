"""Go's quoting."""

from __future__ import annotations

import pytest

from pyrox.policy.quoting import first_bytes, quote, quote_list


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", '"plain"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("\t\n\r\a\b\f\v", '"\\t\\n\\r\\a\\b\\f\\v"'),
        ("\x00\x7f", '"\\x00\\x7f"'),
        ("é日", '"é日"'),
        ("\u200b", '"\\u200b"'),
        ("\U000e0001", '"\\U000e0001"'),
    ],
)
def test_quote_escapes_as_go_does(text: str, quoted: str) -> None:
    assert quote(text) == quoted


def test_list_is_between_brackets_a_space_apart() -> None:
    assert quote_list(["a", 'b"']) == '["a" "b\\""]'


@pytest.mark.parametrize(
    ("text", "start"), [("abcd", "abc"), ("abc", "abc"), ("a\u20ac", "a\ufffd\ufffd"), ("", "")]
)
def test_cut_character_becomes_a_mark_per_byte(text: str, start: str) -> None:
    assert first_bytes(text, 3) == start
