"""What was compiled so far, safe for threads: large bodies are read outside the event loop.

A type refers to the types of its fields, and recursive ones to themselves; so a type is
known to its own thread while it is being compiled, and to others when it and all that
it refers to are complete.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Compiled types by full name."""

    def __init__(self) -> None:
        self._complete: dict[str, T] = {}
        self._unfinished: dict[str, T] = {}
        self._lock = threading.RLock()
        self._depth = 0

    def get(self, name: str, start: Callable[[], T], finish: Callable[[T], None]) -> T:
        """The type of that name; made with `start`, then completed with `finish`, when it is new."""
        found = self._complete.get(name)
        return self._made(name, start, finish) if found is None else found

    def _made(self, name: str, start: Callable[[], T], finish: Callable[[T], None]) -> T:
        with self._lock:
            known = self._complete.get(name) or self._unfinished.get(name)
            if known is not None:
                return known
            made = self._unfinished[name] = start()
            self._depth += 1
            try:
                finish(made)
            finally:
                self._depth -= 1
            if not self._depth:
                self._complete.update(self._unfinished)
                self._unfinished.clear()
            return made
