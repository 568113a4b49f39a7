"""JSON objects in which a key stands twice, which the fast parser would hide.

`decode.py` asks for them after the fast parser took a body; the readers of fields and
maps then see every pair in order, as Go's reader does, and refuse the second.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


class Again(str):
    """A key that stands for a later one of equal text."""

    __slots__ = ("before",)
    before: int
    """How many of equal text come first."""


class Doubled(dict[str, Any]):
    """An object that repeats a key; as a dictionary it holds the last value of each."""

    pairs: list[tuple[str, Any]]


def pairs_of(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """All pairs of an object in their order; repeated keys are `Again`."""
    if not isinstance(value, Doubled):
        yield from value.items()
        return
    seen: dict[str, int] = {}
    for key, item in value.pairs:
        times = seen.get(key, 0)
        seen[key] = times + 1
        name = key
        if times:
            name = Again(key)
            name.before = times
        yield name, item


def parsed(body: bytes, plain: Any) -> Any:
    """The value of a body with its repeated keys; `plain`, what the fast parser made, when it has none."""
    repeats = False

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeats
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        repeats = True
        doubled = Doubled(found)
        doubled.pairs = pairs
        return doubled

    try:
        value = json.loads(body, object_pairs_hook=made)
    except RecursionError:
        # Deeper than any message may be, which its reader refuses in its own words.
        return plain
    return value if repeats else plain
