"""Values that are asked for again and again, in a bounded part of the memory.

Used by `store`. Pure: it knows neither what it keeps nor where that comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """A map of two halves: what is asked for moves to the young one, the old one is dropped as a whole.

    That costs no bookkeeping for each value, and what is in use survives.
    """

    def __init__(self, size: int, weigh: Callable[[V], int]) -> None:
        """Keep about `size` in all, by the weight of each value."""
        self._half = size // 2
        self._weigh = weigh
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._weight = 0

    def __len__(self) -> int:
        """How many values there are; one that is in both halves counts twice."""
        return len(self._young) + len(self._old)

    def take(self, keys: Iterable[K]) -> tuple[dict[K, V], list[K]]:
        """The values that are there, and the keys of the others."""
        young, found, aged, missing = self._young, dict[K, V](), list[tuple[K, V]](), list[K]()
        for key in keys:
            value = young.get(key)
            if value is None:
                value = self._old.get(key)
                if value is None:
                    missing.append(key)
                    continue
                aged.append((key, value))
            found[key] = value
        self.keep(aged)
        return found, missing

    def keep(self, values: Iterable[tuple[K, V]]) -> None:
        """Put values in; whatever was not asked for since the half was full goes."""
        for key, value in values:
            if key not in self._young:
                self._young[key] = value
                self._weight += self._weigh(value)
            if self._weight > self._half:
                self._old, self._young, self._weight = self._young, {}, 0
