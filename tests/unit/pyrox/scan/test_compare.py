"""The signs that `scannerctl compare` prints."""

from __future__ import annotations

from pyrox.scan import catalogue
from pyrox.scan.compare import compare_lines

SCHEMES = catalogue.schemes()


def test_every_named_order_exists() -> None:
    names = {"dpkg", "rpm", "apk", "pep440", "maven", "gem", "semver", "go", "nuget", "composer", "cargo"}
    assert set(SCHEMES) == names


def test_each_pair_gives_both_orders() -> None:
    lines = ["1.0\t2.0\n", "1.0\t1.0-0\r\n", "2\t1", "bad version\t1", "no tab"]
    assert list(compare_lines(lines, SCHEMES["dpkg"])) == ["<\t<", "=\t=", ">\t>", "?\t?", "?\t?"]


def test_version_without_a_key_is_still_compared_exactly() -> None:
    assert list(compare_lines(["1.0.foo\t1.0"], SCHEMES["apk"])) == ["<\t?"]
