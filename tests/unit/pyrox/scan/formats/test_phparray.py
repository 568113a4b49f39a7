"""Arrays in PHP code."""

from __future__ import annotations

import pytest

from pyrox.scan.formats import phparray


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("array('a' => 'b')", [(("a",), "b")]),
        (
            '<?php return ["a" => ["b" => "c", 0 => "d"], "e"];',
            [(("a", "b"), "c"), (("a", ""), "d"), (("",), "e")],
        ),
        (r"array('it\'s' => 'a\\b',)", [(("it's",), "a\\b")]),
        ("ARRAY ( 'a' => NULL, 'b' => TRUE, 'c' => 3 )", []),
        ("array('a' => __DIR__ . '/x')", [(("a",), "/x")]),
        ("'outside'", []),
        (")))]]'a'", []),
        ("", []),
    ],
)
def test_texts_of_arrays_come_after_their_keys(code: str, expected: list[object]) -> None:
    assert list(phparray.texts(code)) == expected


def test_arrays_deeper_than_any_list_end_the_reading() -> None:
    assert list(phparray.texts("array('a' => " * 100_000)) == []


@pytest.mark.parametrize("code", ["'" + "x" * 1_000_000, "'" + "\\" * 999_999, "array " + " " * 1_000_000])
def test_open_text_of_a_megabyte_is_read_once(code: str) -> None:
    assert list(phparray.texts(code)) == []
