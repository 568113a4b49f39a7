"""Compares pairs of versions in both ways, for `scannerctl compare`.

A line `A<TAB>B` gives a line of two signs: the order by the exact comparator and by the
byte keys, each `<`, `=`, `>`, or `?` where a version is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pyrox.scan.protocols import VersionScheme
from pyrox.scan.versions import InvalidVersion

_SIGNS: Final = {-1: "<", 0: "=", 1: ">"}


def compare_lines(lines: Iterable[str], scheme: VersionScheme) -> Iterator[str]:
    """One line of signs for each line of two versions; a line without a tab gives `?` twice."""
    for line in lines:
        a, tab, b = line.rstrip("\r\n").partition("\t")
        if not tab:
            yield "?\t?"
            continue
        yield f"{_sign(scheme.compare, a, b)}\t{_sign(_by_key(scheme), a, b)}"


def _by_key(scheme: VersionScheme) -> Callable[[str, str], int]:
    def order(a: str, b: str) -> int:
        one, two = scheme.key(a), scheme.key(b)
        return (one > two) - (one < two)

    return order


def _sign(order: Callable[[str, str], int], a: str, b: str) -> str:
    try:
        return _SIGNS[order(a, b)]
    except InvalidVersion:
        return "?"
