"""Compares a pair of versions in both ways, for `scannerctl compare`.

The result is two signs: the order by the exact comparator and by the byte keys, each `<`,
`=`, `>`, or `?` where a version is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from pyrox.scan.protocols import VersionScheme
from pyrox.scan.versions import InvalidVersion

_SIGNS: Final = {-1: "<", 0: "=", 1: ">"}


class Pair(NamedTuple):
    """Two versions as they stood on a line."""

    a: str
    b: str


def read_pair(line: bytes | None) -> Pair | str:
    """The two versions of a line `A<TAB>B` without its end, or why it holds no pair.

    Bytes that are no UTF-8 stay as they are in the text: an order that reads bytes (rpm's)
    still finds its separators, the others refuse them. None is a line that was too long.
    """
    if line is None:
        return "too long to be two versions"
    parts = line.decode("utf-8", "surrogateescape").split("\t")
    if len(parts) != len(Pair._fields):
        return f"{len(parts) - 1} tabs, where one stands between two versions"
    return Pair(*parts)


def compare_pair(scheme: VersionScheme, pair: Pair) -> str:
    """The two signs of a pair, a tab between them."""
    return f"{_sign(scheme.compare, pair)}\t{_sign(_by_key(scheme), pair)}"


def _by_key(scheme: VersionScheme) -> Callable[[str, str], int]:
    def order(a: str, b: str) -> int:
        one, two = scheme.key(a), scheme.key(b)
        return (one > two) - (one < two)

    return order


def _sign(order: Callable[[str, str], int], pair: Pair) -> str:
    try:
        return _SIGNS[order(pair.a, pair.b)]
    except InvalidVersion:
        return "?"
