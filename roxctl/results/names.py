"""Names of enum values, also of those that a newer Central knows and this client does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

V = TypeVar("V", bound=int)


def enum_name(name: Callable[[V], str], value: V) -> str:
    """The value's name, else its number, as Go prints it."""
    try:
        return name(value)
    except ValueError:
        return str(int(value))
