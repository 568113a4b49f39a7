"""The signs that `scannerctl compare` prints."""

from __future__ import annotations

import pytest

from pyrox.scan import catalogue
from pyrox.scan.compare import Pair, compare_pair, read_pair

SCHEMES = catalogue.schemes()


def test_every_named_order_exists() -> None:
    names = {"dpkg", "rpm", "apk", "pep440", "maven", "gem", "semver", "go", "nuget", "composer", "cargo"}
    assert names <= set(SCHEMES)


@pytest.mark.parametrize(
    ("a", "b", "signs"),
    [
        ("1.0", "2.0", "<\t<"),
        ("1.0", "1.0-0", "=\t="),
        ("2", "1", ">\t>"),
        ("bad version", "1", "?\t?"),
        ("1", "", "?\t?"),
    ],
)
def test_each_pair_gives_both_orders(a: str, b: str, signs: str) -> None:
    assert compare_pair(SCHEMES["dpkg"], Pair(a, b)) == signs


@pytest.mark.parametrize(
    ("line", "pair"),
    [
        (b"1.0\t2.0", Pair("1.0", "2.0")),
        (b"\t", Pair("", "")),
        (b" 1 \t\xc3\x9f", Pair(" 1 ", "\u00df")),
        (b"1\xff\t1", Pair("1\udcff", "1")),
    ],
)
def test_line_with_one_tab_is_a_pair(line: bytes, pair: Pair) -> None:
    assert read_pair(line) == pair


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "0 tabs, where one stands between two versions"),
        (b"1 2", "0 tabs, where one stands between two versions"),
        (b"1\t2\t3", "2 tabs, where one stands between two versions"),
        (None, "too long to be two versions"),
    ],
)
def test_other_line_says_why_it_is_none(line: bytes | None, reason: str) -> None:
    assert read_pair(line) == reason
