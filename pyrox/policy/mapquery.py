"""Queries on string maps (labels and annotations), and how maps are printed.

Called by `pyrox.policy.criteria` and `pyrox.policy.messages`. It must not know which map
it is. The grammar is upstream's (pkg/search/predicate/basematchers/map_matcher.go):
groups apart by `;` and a tab are alternatives, constraints apart by `,` and a tab must all
hold, `!` and a tab before a constraint asks that no pair fits it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyrox.policy import quoting, values

_OR = ";\t"
_AND = ",\t"
_NOT = "!\t"
_SHOWN_BYTES = 64
_SHOWN_PAIRS = 3


@dataclass(frozen=True, slots=True)
class _Constraint:
    key: values.Matcher
    value: values.Matcher
    absent: bool

    def pairs(self, found: Mapping[str, str]) -> list[str]:
        return [key for key, value in found.items() if self.key(key) and self.value(value)]


@dataclass(frozen=True, slots=True)
class MapQuery:
    """A compiled query: does a map fit, and which of its pairs explain that."""

    groups: tuple[tuple[_Constraint, ...], ...]

    def __call__(self, found: Mapping[str, str]) -> bool:
        """Whether any group holds."""
        return any(self._holds(group, found) for group in self.groups)

    @staticmethod
    def _holds(group: tuple[_Constraint, ...], found: Mapping[str, str]) -> bool:
        return all(bool(constraint.pairs(found)) != constraint.absent for constraint in group)

    def show(self, found: Mapping[str, str]) -> str:
        """The pairs that made a group hold, or the first few pairs of the map."""
        keys: set[str] = set()
        for group in self.groups:
            if self._holds(group, found):
                for constraint in group:
                    if not constraint.absent:
                        keys.update(constraint.pairs(found))
        if keys:
            return ", ".join(_pair(key, found[key]) for key in sorted(keys))
        return show_map(found)


def compile_map(query: str) -> MapQuery:
    """The query's compiled form; raises `values.BadValue`."""
    return MapQuery(tuple(tuple(_constraint(one) for one in group.split(_AND)) for group in query.split(_OR)))


def must_lack(pairs: list[str]) -> str:
    """The query that holds when none of the pairs is there."""
    return _AND.join(_NOT + pair for pair in pairs)


def show_map(found: Mapping[str, str]) -> str:
    """The first three pairs by key and how many more there are."""
    if not found:
        return "<empty>"
    keys = sorted(found)
    text = ", ".join(_pair(key, found[key]) for key in keys[:_SHOWN_PAIRS])
    more = len(keys) - _SHOWN_PAIRS
    return f"{text} and {more} more" if more > 0 else text


def _constraint(text: str) -> _Constraint:
    absent = text.startswith(_NOT)
    key, _, value = text.removeprefix(_NOT).partition("=")
    return _Constraint(_side(key), _side(value), absent)


def _side(expression: str) -> values.Matcher:
    return values.pattern(expression) if expression else values.anything


def _pair(key: str, value: str) -> str:
    return f"{key}={quoting.first_bytes(value, _SHOWN_BYTES)}"
