"""What the version orders share: the error, and the encodings of numbers and texts.

A key is compared as bytes (`memcmp`, then length). Numbers become their length and their
digits, so that longer ones are greater; texts end with a zero byte, which is below every
character that they may hold.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, Protocol

MAX_VERSION_CHARS: Final = 1024
"""Longer texts are refused: no native tool writes them, and keys are index entries."""

_ESCAPE: Final = 0xFF


class InvalidVersion(ValueError):
    """A text that has no place in the order, or none that a key can hold."""


class _Keyed(Protocol):
    def key(self, text: str) -> bytes: ...


def check_length(text: str) -> None:
    """Refuse a text that is too long to be a version.

    Raises:
        InvalidVersion: it is longer than `MAX_VERSION_CHARS`.
    """
    if len(text) > MAX_VERSION_CHARS:
        raise InvalidVersion(f"version of {len(text)} characters: at most {MAX_VERSION_CHARS} are read")


def num(digits: str) -> bytes:
    """The digits without leading zeros, after their count; 255 or more have a longer count."""
    stripped = digits.lstrip("0").encode("ascii")
    size = len(stripped)
    if size < _ESCAPE:
        return bytes((size,)) + stripped
    return b"\xff" + size.to_bytes(4, "big") + stripped


def text(value: str) -> bytes:
    """UTF-8 (whose byte order is the order of code points) with a closing zero byte.

    Raises:
        InvalidVersion: the value holds a zero character or a lone surrogate.
    """
    if "\x00" in value:
        raise InvalidVersion("version holds a zero character")
    try:
        return value.encode("utf-8") + b"\x00"
    except UnicodeEncodeError as error:
        raise InvalidVersion("version is not valid Unicode text") from error


def sign(a: object, b: object) -> int:
    """Three-way comparison of two values of one ordered type."""
    if a == b:
        return 0
    return -1 if a < b else 1  # type: ignore[operator]  # callers pass one ordered type


class Scheme(ABC):
    """The default of `after`; each order derives from it and gives `compare` and `key`.

    A key never begins with 0xFF, and no key is a prefix of another, so that the bound
    "up to and including" is the key with one zero byte more.
    """

    name: str
    key_version: int = 1

    @abstractmethod
    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1 by the native tool's rules; raises `InvalidVersion`."""

    @abstractmethod
    def key(self, text: str) -> bytes:
        """Bytes that keep the order; raises `InvalidVersion`."""

    def after(self, text: str) -> bytes:
        """The least bytes above every version that "up to and including `text`" means."""
        return self.key(text) + b"\x00"


def key_or_none(scheme: _Keyed, version: str) -> bytes | None:
    """The version's key, or None where it has none: the exact comparator then decides."""
    try:
        return scheme.key(version)
    except InvalidVersion:
        return None
