"""rpm's version order: `[epoch:]version[-release]` by rpmvercmp (rpm rpmio/rpmvercmp.c).

Separators only separate; `~` sorts before the end of a part, `^` after it; a number is
newer than a word. A part that is absent is older than one that is present and empty, as
in rpm's `rpmverCmp`.
"""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign, text

_EPOCH: Final = re.compile(r"([0-9]*):")
_TOKENS: Final = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")
_SEPARATORS: Final = re.compile(r"[^0-9A-Za-z~^]*")
_SEGMENT: Final = re.compile(r"[0-9]+|[A-Za-z]+")
_TILDE, _END, _CARET, _WORD, _NUMBER = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"


def split(evr: str) -> tuple[str, str, str | None]:
    """Epoch (`0` when absent), version, and the release or None.

    Raises:
        InvalidVersion: empty, or longer than any rpm version.
    """
    check_length(evr)
    if not evr:
        raise InvalidVersion("an empty text is no rpm version")
    found = _EPOCH.match(evr)
    epoch, rest = (found[1] or "0", evr[found.end() :]) if found else ("0", evr)
    version, dash, release = rest.rpartition("-")
    return (epoch, version, release) if dash else (epoch, rest, None)


def _cut(text_: str, position: int) -> int:
    found = _SEPARATORS.match(text_, position)
    return found.end() if found else position


def vercmp(a: str, b: str) -> int:
    """The segment-by-segment comparison of one part."""
    i = j = 0
    while i < len(a) or j < len(b):
        i, j = _cut(a, i), _cut(b, j)
        one, two = a[i : i + 1], b[j : j + 1]
        if "~" in (one, two):
            if one != two:
                return -1 if one == "~" else 1
            i, j = i + 1, j + 1
            continue
        if "^" in (one, two):
            if one != two:
                return _caret(one, two)
            i, j = i + 1, j + 1
            continue
        left, right = _SEGMENT.match(a, i), _SEGMENT.match(b, j)
        if left is None or right is None:
            break
        order = _segment(left[0], right[0])
        if order:
            return order
        i, j = left.end(), right.end()
    return sign(i < len(a), j < len(b))


def _caret(one: str, two: str) -> int:
    """A caret is above the end of the other text and below anything else."""
    if one == "^":
        return -1 if two else 1
    return 1 if one else -1


def _segment(a: str, b: str) -> int:
    if a[0].isdigit() != b[0].isdigit():
        return 1 if a[0].isdigit() else -1
    return sign(int(a), int(b)) if a[0].isdigit() else sign(a, b)


def _encode(part: str) -> bytes:
    out = bytearray()
    for piece in _TOKENS.findall(part):
        if piece == "~":
            out += _TILDE
        elif piece == "^":
            out += _CARET
        else:
            out += _NUMBER + num(piece) if piece[0].isdigit() else _WORD + text(piece)
    return bytes(out) + _END


class Rpm(Scheme):
    """The order of rpm's `rpmverCmp`."""

    name = "rpm"

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion`."""
        one, two = split(a), split(b)
        order = sign(int(one[0]), int(two[0])) or vercmp(one[1], two[1])
        if order or one[2] is None or two[2] is None:
            return order or sign(one[2] is not None, two[2] is not None)
        return vercmp(one[2], two[2])

    def key(self, text: str) -> bytes:
        """Epoch, version, release; raises `InvalidVersion`."""
        epoch, version, release = split(text)
        start = num(epoch)
        if start[0] == 0xFF:
            raise InvalidVersion("the epoch is longer than any rpm's")
        tail = b"\x00" if release is None else b"\x01" + _encode(release)
        return start + _encode(version) + tail
