"""Composer's version order: its normal form, compared as PHP's `version_compare` does.

Branches (`dev-main`) have no place in the order. A text that Composer would refuse is
compared as PHP alone does.
"""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign

_BRANCH: Final = re.compile(r"v?(?P<numbers>[0-9]+(?:\.(?:[0-9]+|[x*]))*)[.-]?(?:x-)?dev", re.ASCII)
_BUILD: Final = re.compile(r"(?<=[^,\s+])\+\S*$")
_PARTS: Final = re.compile(r"[0-9]+|[a-z#]+")
# The order of PHP's special forms; a text begins with one of them, or is below all.
_FORMS: Final = (("dev", 2), ("alpha", 3), ("a", 3), ("beta", 4), ("b", 4), ("rc", 5), ("pl", 8), ("p", 8))
_UNKNOWN, _END, _NUMBER = 1, 6, 7
_NUMBERS: Final = 4  # Composer's normal form has four numbers
_UNBOUNDED: Final = "9999999"  # Composer's stand-in for a branch's open number


def _plain(version: str) -> str:
    """Without `v`, stability flag and build metadata; the open numbers of a branch filled in."""
    plain = _BUILD.sub("", version.strip().lower().partition("@")[0])
    if plain.startswith("dev-") or plain in {"master", "trunk", "default"}:
        raise InvalidVersion(f"{version!r}: a branch has no place in the order")
    branch = _BRANCH.fullmatch(plain)
    if branch is not None and any(open_ in branch["numbers"] for open_ in "x*"):
        numbers = [_UNBOUNDED if n in {"x", "*"} else n for n in branch["numbers"].split(".")]
        return ".".join((numbers + [_UNBOUNDED] * _NUMBERS)[:_NUMBERS]) + ".dev"
    return plain.removeprefix("v")


def parts(version: str) -> list[tuple[int, int]]:
    """The parts as (place, number), in PHP's order of forms; at least four leading numbers.

    Raises:
        InvalidVersion: empty, overlong, a branch, or without any part that counts.
    """
    check_length(version)
    found = [_place(part) for part in _PARTS.findall(_plain(version)) if part != "stable"]
    if not found:
        raise InvalidVersion(f"{version!r}: not a Composer version")
    leading = next((i for i, (place, _) in enumerate(found) if place != _NUMBER), len(found))
    missing = max(0, _NUMBERS - leading) if leading else 0
    return found[:leading] + [(_NUMBER, 0)] * missing + found[leading:]


def _place(part: str) -> tuple[int, int]:
    if part[0] in "0123456789":
        return (_NUMBER, int(part))
    return (next((place for form, place in _FORMS if part.startswith(form)), _UNKNOWN), 0)


class Composer(Scheme):
    """The order of Composer's `Comparator`, over its normal forms."""

    name = "composer"

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion`."""
        one, two = parts(a), parts(b)
        for index in range(max(len(one), len(two))):
            left = one[index] if index < len(one) else (_END, 0)
            right = two[index] if index < len(two) else (_END, 0)
            if left != right:
                return sign(left, right)
        return 0

    def key(self, text: str) -> bytes:
        """Part by part; raises `InvalidVersion`."""
        out = bytearray()
        for place, number in parts(text):
            out.append(place)
            if place == _NUMBER:
                out += num(str(number))
        return bytes(out) + bytes((_END,))
