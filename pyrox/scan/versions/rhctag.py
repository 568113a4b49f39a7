"""The order of Red Hat's container tags (`v4.12.0-202301`, `4.8-167.9a9db5f`, `1744596866`).

Tags of different minor releases live in one repository, so an advisory's range ends with its
own minor release: the order is major, minor, then rpm's order of the whole tag. A bare
`4.12` comes before every other tag of that minor release (claircore pkg/rhctag, rhel/rhcc).
"""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign
from pyrox.scan.versions.rpm import Rpm

_TAG: Final = re.compile(r"v?([0-9]{1,18})(?:\.([0-9]{1,18})(?=[.-]|$)|(?=[.-]|$))")
_BARE: Final = re.compile(r"v?[0-9]+(?:\.[0-9]+)?")


class RhcTag(Scheme):
    """Major, minor, then rpm's order."""

    name = "rhctag"

    def __init__(self) -> None:
        self._rpm = Rpm()

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion`."""
        one, two = numbers(a), numbers(b)
        order = sign(one, two)
        if order or a == b:
            return order
        bare = sign(not _is_bare(a), not _is_bare(b))
        return bare if bare or _is_bare(a) else self._rpm.compare(_evr(a), _evr(b))

    def key(self, text: str) -> bytes:
        """The bytes of both numbers, then rpm's key; raises `InvalidVersion`."""
        major, minor = numbers(text)
        rest = b"\x00" if _is_bare(text) else b"\x01" + self._rpm.key(_evr(text))
        return num(str(major)) + num(str(minor)) + rest


def numbers(tag: str) -> tuple[int, int]:
    """Major and minor number of a tag.

    Raises:
        InvalidVersion: it does not begin with a number.
    """
    check_length(tag)
    found = _TAG.match(tag)
    if found is None:
        raise InvalidVersion(f"{tag[:64]!r} is no tag that begins with a number")
    return int(found[1]), int(found[2] or 0)


def _is_bare(tag: str) -> bool:
    return _BARE.fullmatch(tag) is not None


def _evr(tag: str) -> str:
    """Upstream adds a release to tags that have none (rhel/rhcc/matcher.go, `ensureEVR`)."""
    return tag if "-" in tag else f"{tag}-0"
