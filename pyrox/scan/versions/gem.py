"""RubyGems' version order (`Gem::Version#<=>`).

Segments are runs of digits or letters; a missing segment is 0, a word is below every
number, and `-` means `.pre.`.
"""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign
from pyrox.scan.versions.base import text as encode_text

_VALID: Final = re.compile(
    r"\s*([0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)?\s*", re.ASCII
)
_SEGMENTS: Final = re.compile(r"[0-9]+|[a-zA-Z]+")
_WORD, _ZERO_THEN_WORD, _END, _ZERO_THEN_NUMBER, _NUMBER = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"


def _trim(segments: list[int | str]) -> list[int | str]:
    while segments and segments[-1] == 0:
        segments.pop()
    return segments


def segments(version: str) -> list[int | str]:
    """The canonical segments: without the trailing zeros of the leading numbers and of the rest.

    Raises:
        InvalidVersion: RubyGems calls the text malformed.
    """
    check_length(version)
    found = _VALID.fullmatch(version)
    if found is None:
        raise InvalidVersion(f"{version!r}: malformed gem version")
    plain = (found[1] or "0").replace("-", ".pre.")
    parts = [int(s) if s[0] in "0123456789" else s for s in _SEGMENTS.findall(plain)]
    first_word = next((i for i, part in enumerate(parts) if isinstance(part, str)), len(parts))
    return _trim(parts[:first_word]) + _trim(parts[first_word:])


class Gem(Scheme):
    """The order of `Gem::Version`."""

    name = "gem"

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion`."""
        one, two = segments(a), segments(b)
        for index in range(max(len(one), len(two))):
            left = one[index] if index < len(one) else 0
            right = two[index] if index < len(two) else 0
            if isinstance(left, str) != isinstance(right, str):
                return -1 if isinstance(left, str) else 1
            if left != right:
                return sign(left, right)
        return 0

    def key(self, text: str) -> bytes:
        """Segment by segment; a zero looks ahead, since the end of the text counts as zeros."""
        parts = segments(text)
        out = bytearray()
        for index, part in enumerate(parts):
            if isinstance(part, str):
                out += _WORD + encode_text(part)
            elif part:
                out += _NUMBER + num(str(part))
            else:
                following = next(p for p in parts[index:] if p != 0)  # the last is never zero
                out += _ZERO_THEN_WORD if isinstance(following, str) else _ZERO_THEN_NUMBER
        return bytes(out) + _END
