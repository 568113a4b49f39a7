"""Debian's version order (deb-version(7), dpkg lib/dpkg/version.c), for Debian and Ubuntu.

`[epoch:]upstream[-revision]`. Runs of non-digits and runs of digits alternate; `~` sorts
before the end of a part, letters before other characters.
"""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign

_MAX_EPOCH: Final = 2_147_483_647  # dpkg refuses an epoch above INT_MAX
_VISIBLE: Final = re.compile(r"[!-~]+")
_RUNS: Final = re.compile(r"([^0-9]*)([0-9]*)")
_RUN_END: Final = b"\x02"  # above `~` (01), below every other character


def split(version: str) -> tuple[str, str, str]:
    """Epoch, upstream version and revision; the absent ones are `0`.

    Raises:
        InvalidVersion: empty, not visible ASCII, or the epoch is no number.
    """
    check_length(version)
    stripped = version.strip(" \t\n")
    if not _VISIBLE.fullmatch(stripped):
        raise InvalidVersion(f"{version!r}: not a Debian version")
    epoch, colon, rest = stripped.partition(":")
    if not colon:
        epoch, rest = "0", stripped
    elif not epoch.isdigit() or int(epoch) > _MAX_EPOCH:
        raise InvalidVersion(f"{version!r}: the epoch is not a number that dpkg accepts")
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, "0"
    return epoch, upstream, revision or "0"


def _weight(char: str) -> int:
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 256


def _compare_run(a: str, b: str) -> int:
    for index in range(max(len(a), len(b))):
        left = _weight(a[index]) if index < len(a) else 0
        right = _weight(b[index]) if index < len(b) else 0
        if left != right:
            return sign(left, right)
    return 0


def _compare_part(a: str, b: str) -> int:
    """Dpkg's verrevcmp: the end of a text and a digit weigh the same."""
    while a or b:
        one, two = _runs(a), _runs(b)
        order = _compare_run(one[0], two[0]) or sign(int(one[1] or "0"), int(two[1] or "0"))
        if order:
            return order
        a, b = one[2], two[2]
    return 0


def _runs(text: str) -> tuple[str, str, str]:
    found = _RUNS.match(text)
    if found is None:  # both runs may be empty, so the pattern always matches
        raise InvalidVersion(f"{text!r}: not a Debian version")
    return found[1], found[2], text[found.end() :]


def _encode_part(text: str) -> bytes:
    out = bytearray()
    while text or not out:
        letters, digits, text = _runs(text)
        for char in letters:
            code = ord(char)
            out.append(0x01 if char == "~" else code if char.isalpha() else 0x80 | code)
        out += _RUN_END + num(digits)
    return bytes(out) + _RUN_END


class Dpkg(Scheme):
    """The order of `dpkg --compare-versions`."""

    name = "dpkg"

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion`."""
        one, two = split(a), split(b)
        return (
            sign(int(one[0]), int(two[0])) or _compare_part(one[1], two[1]) or _compare_part(one[2], two[2])
        )

    def key(self, text: str) -> bytes:
        """Epoch, then both parts; raises `InvalidVersion`."""
        epoch, upstream, revision = split(text)
        return num(epoch) + _encode_part(upstream) + _encode_part(revision)
