"""Debian's version order (dpkg lib/dpkg/parsehelp.c and version.c), for Debian and Ubuntu.

`[epoch:]upstream[-revision]`. Runs of non-digits and runs of digits alternate; `~` sorts
before the end of a part, letters before other characters. What dpkg only warns of (a first
character that is no digit, a character outside its alphabet) is ordered, as dpkg does.
"""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign

_MAX_EPOCH: Final = 2_147_483_647  # dpkg refuses an epoch above INT_MAX
_BLANKS: Final = " \t\n\v\f\r"  # c_isspace
_BLANK_INSIDE: Final = re.compile(r"[ \t\n\v\f\r\x00]")
_EPOCH: Final = re.compile(r"\+?([0-9]+)|-0+", re.ASCII)  # as strtol reads it
_RUNS: Final = re.compile(r"([^0-9]*)([0-9]*)")
_RUN_END: Final = b"\x02"  # above `~` (01), below every other character
_NOT_ASCII: Final = 0x7B  # precedes a byte above 7F: above the letters, below all else
_ASCII: Final = 0x80


def split(version: str) -> tuple[int, str, str]:
    """Epoch, upstream version and revision, the last two with one character for each byte.

    Raises:
        InvalidVersion: a part of it is empty, it has blanks inside, or its epoch is no
            number that dpkg accepts.
    """
    check_length(version)
    stripped = version.strip(_BLANKS)
    if not stripped.isascii():
        stripped = stripped.encode("utf-8", "surrogateescape").decode("latin-1")
    if not stripped or _BLANK_INSIDE.search(stripped):
        raise InvalidVersion(f"{version!r}: not a Debian version")
    head, colon, rest = stripped.partition(":")
    epoch = 0
    if not colon:
        rest = stripped
    else:
        found = _EPOCH.fullmatch(head)
        epoch = int(found[1] or "0") if found else _MAX_EPOCH + 1
        if epoch > _MAX_EPOCH:
            raise InvalidVersion(f"{version!r}: the epoch is not a number that dpkg accepts")
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    if not upstream or (dash and not revision):
        raise InvalidVersion(f"{version!r}: the version or its revision is empty")
    return epoch, upstream, revision


def _weight(char: str) -> int:
    """Dpkg's `order`, with bytes above 7F negative before 256 is added, as `char` is on x86."""
    if char == "~":
        return -1
    code = ord(char)
    return code if code >= _ASCII or char.isalpha() else code + 256


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
    out: list[bytes] = []
    # After the last run the pattern matches once more, the empty text.
    for letters, digits in _RUNS.findall(text)[:-1] or (("", ""),):
        out += (_encode_letters(letters), _RUN_END, num(digits))
    return b"".join(out) + _RUN_END


def _encode_letters(letters: str) -> bytes:
    if letters.isascii():
        return letters.encode("ascii").translate(_CODES)
    return b"".join(map(_encode_char, letters))


def _encode_char(char: str) -> bytes:
    code = ord(char)
    if code >= _ASCII:
        return bytes((_NOT_ASCII, code))
    return bytes((0x01 if char == "~" else code if char.isalpha() else _ASCII | code,))


_CODES: Final = b"".join(map(_encode_char, map(chr, range(_ASCII)))).ljust(256, b"\x00")


class Dpkg(Scheme):
    """The order of `dpkg --compare-versions`."""

    name = "dpkg"
    key_version = 2

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion`."""
        one, two = split(a), split(b)
        return sign(one[0], two[0]) or _compare_part(one[1], two[1]) or _compare_part(one[2], two[2])

    def key(self, text: str) -> bytes:
        """Epoch, then both parts; raises `InvalidVersion`."""
        epoch, upstream, revision = split(text)
        return num(str(epoch)) + _encode_part(upstream) + _encode_part(revision)
