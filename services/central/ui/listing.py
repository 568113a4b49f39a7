"""What a list of `/api/ui` is asked for: page and order, checked. And the SQL of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyrox.errors import Invalid

MAX_LIMIT = 1000
MAX_OFFSET = 10_000_000
# Bucket by bucket, so that one critical finding outweighs any number of lesser ones.
BY_SEVERITY = ("critical", "important", "moderate", "low", "unknown")


@dataclass(frozen=True, slots=True)
class Listing:
    """Which part of a list, in which order; `sort` is a key of the endpoint."""

    limit: int = 20
    offset: int = 0
    sort: str = "-severity"

    def order(self, keys: Mapping[str, tuple[str, ...]], ties: tuple[str, ...]) -> str:
        """The ORDER BY expressions. Raises `Invalid` for a key that the endpoint does not have."""
        key = self.sort.removeprefix("-")
        if key not in keys:
            raise Invalid.because(f"cannot sort by {self.sort[:100]!r}; sort by one of {', '.join(keys)}")
        direction = "DESC" if self.sort.startswith("-") else "ASC"
        parts = [f"{column} {direction} NULLS LAST" for column in keys[key]]
        return ", ".join([*parts, *(tie for tie in ties if tie not in keys[key])])


def severity_counts(column: str) -> str:
    """Five counters of rows by severity, the enum's numbers from 4 down to 0."""
    return ", ".join(
        f"count(*) FILTER (WHERE {column} = {number}) AS {word}"
        for number, word in zip((4, 3, 2, 1, 0), BY_SEVERITY, strict=True)
    )
