"""What the tests of every version order check in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest

from pyrox.scan.versions import InvalidVersion
from pyrox.scan.versions.base import MAX_VERSION_CHARS, Scheme

T = TypeVar("T")


def outcome(call: Callable[..., T], *arguments: str) -> T | None:
    """The call's answer, or None where it refuses the text."""
    try:
        return call(*arguments)
    except InvalidVersion:
        return None


def by_keys(scheme: Scheme, a: str, b: str) -> int | None:
    """The order of the two keys, or None where one of them has none."""
    one, two = outcome(scheme.key, a), outcome(scheme.key, b)
    if one is None or two is None:
        return None
    return (one > two) - (one < two)


def assert_ascending(scheme: Scheme, chain: list[str]) -> None:
    """Every pair of the chain: comparator and keys both say what its places say."""
    for i, a in enumerate(chain):
        for j, b in enumerate(chain):
            expected = (i > j) - (i < j)
            assert scheme.compare(a, b) == expected, (a, b)
            assert by_keys(scheme, a, b) == expected, (a, b)


def assert_same(scheme: Scheme, group: list[str]) -> None:
    """All texts of the group are one version."""
    assert {scheme.key(version) for version in group} == {scheme.key(group[0])}
    assert {scheme.compare(group[0], version) for version in group} == {0}


def assert_refused(scheme: Scheme, versions: Iterable[str]) -> None:
    """None of the texts, and no overlong one, has a key."""
    for version in [*versions, "1" * (MAX_VERSION_CHARS + 1)]:
        with pytest.raises(InvalidVersion):
            scheme.key(version)
