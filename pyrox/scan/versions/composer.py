"""Composer's version order (composer/semver, VersionParser.php and Comparator.php).

A version is brought into Composer's normal form, and the forms are compared as PHP's
`version_compare` does (ext/standard/versioning.c). A branch (`dev-main`) is below every
version and equal to itself only, so that it has no key. A text that begins with a number
but that Composer refuses is compared as PHP alone would, with four numbers as in the normal
form: some advisories hold such texts.
"""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign

_BLANKS: Final = " \n\r\t\v\x00"  # PHP's trim
_ALIAS: Final = re.compile(r"([^,\s]+) +as +[^,\s]+", re.ASCII)
_STABILITY: Final = re.compile(r"@(?:stable|RC|beta|alpha|dev)$", re.ASCII | re.IGNORECASE)
_BUILD: Final = re.compile(r"([^,\s+]+)\+\S+", re.ASCII)
_MODIFIER: Final = (
    r"[._-]?(?:(?P<word>stable|beta|b|RC|alpha|a|patch|pl|p)(?P<number>(?:[.-]?[0-9]+)*+))?(?P<dev>[.-]?dev)?"
)
_CLASSIC: Final = re.compile(
    rf"v?([0-9]{{1,5}}+)(\.[0-9]++)?(\.[0-9]++)?(\.[0-9]++)?{_MODIFIER}", re.ASCII | re.IGNORECASE
)
_DATE: Final = re.compile(
    rf"v?([0-9]{{4}}(?:[.:-]?[0-9]{{2}}){{1,6}}(?:[.:-]?[0-9]{{1,3}}){{0,2}}){_MODIFIER}",
    re.ASCII | re.IGNORECASE,
)
_DEV_BRANCH: Final = re.compile(r"(.*?)[.-]?dev", re.ASCII | re.IGNORECASE)
_OPEN: Final = re.compile(r"v?[0-9]+(?:\.(?:[0-9]+|[x*])){0,3}", re.ASCII | re.IGNORECASE)
_EXPANDED: Final = {"a": "alpha", "b": "beta", "p": "patch", "pl": "patch", "rc": "RC"}
_NUMBERS: Final = 4
_UNBOUNDED: Final = "9999999"  # Composer's stand-in for a branch's open number
_LOOSE: Final = re.compile(r"v?[0-9]", re.ASCII)
_PARTS: Final = re.compile(r"[0-9]+|[A-Za-z]+")

# The order of PHP's special forms; a word that begins with none of them is below all.
_FORMS: Final = (
    ("dev", 2),
    ("alpha", 3),
    ("a", 3),
    ("beta", 4),
    ("b", 4),
    ("RC", 5),
    ("rc", 5),
    ("pl", 8),
    ("p", 8),
)
_UNKNOWN, _END, _NUMBER = 1, 6, 7
_LONG_MAX: Final = 2**63 - 1  # PHP reads numbers by strtol, which stops there

_Part = tuple[int, int]


def normalize(version: str) -> str | None:
    """Composer's normal form, or None for what Composer refuses."""
    text = version.strip(_BLANKS)
    alias = _ALIAS.fullmatch(text)
    text = _STABILITY.sub("", alias[1] if alias else text)
    if text in {"master", "trunk", "default"}:
        text = f"dev-{text}"
    if text[:4].lower() == "dev-":
        return "dev-" + text[4:]
    build = _BUILD.fullmatch(text)
    text = build[1] if build else text
    if found := _CLASSIC.fullmatch(text):
        return "".join((found[1], *(found[group] or ".0" for group in (2, 3, 4)))) + _modifier(found)
    if found := _DATE.fullmatch(text):
        return re.sub(r"[^0-9]", ".", found[1]) + _modifier(found)
    branch = _DEV_BRANCH.fullmatch(text)
    return _open_branch(branch[1].strip(_BLANKS)) if branch else None


def _modifier(found: re.Match[str]) -> str:
    out = ""
    if word := found["word"]:
        if word == "stable":
            return ""
        out = "-" + _EXPANDED.get(word.lower(), word.lower()) + found["number"].lstrip(".-")
    return out + ("-dev" if found["dev"] else "")


def _open_branch(name: str) -> str | None:
    """`1.x` of `1.x-dev`, its open numbers filled in; None where the branch is no number."""
    if not _OPEN.fullmatch(name):
        return None
    numbers = [_UNBOUNDED if n in {"x", "X", "*"} else n for n in name.lstrip("vV").split(".")]
    return ".".join((numbers + [_UNBOUNDED] * _NUMBERS)[:_NUMBERS]) + "-dev"


def _place(part: str) -> _Part:
    if part[0] in "0123456789":
        return (_NUMBER, min(int(part), _LONG_MAX))
    return (next((place for form, place in _FORMS if part.startswith(form)), _UNKNOWN), 0)


def _loose(version: str) -> list[_Part]:
    """The parts of a text that Composer refuses, filled up to four leading numbers."""
    text = version.strip(_BLANKS).lower()
    if not _LOOSE.match(text):
        raise InvalidVersion(f"{version!r}: not a Composer version")
    found = [_place(part) for part in _PARTS.findall(text.removeprefix("v"))]
    leading = next((i for i, (place, _) in enumerate(found) if place != _NUMBER), len(found))
    return found[:leading] + [(_NUMBER, 0)] * (_NUMBERS - leading) + found[leading:]


def parts(version: str) -> list[_Part] | str:
    """The parts as (place, number), in PHP's order of forms; the name of a branch as text.

    Raises:
        InvalidVersion: overlong, or without a number at its beginning.
    """
    check_length(version)
    normal = normalize(version)
    if normal is None:
        return _loose(version)
    return normal if normal.startswith("dev-") else [_place(part) for part in _PARTS.findall(normal)]


class Composer(Scheme):
    """The order of Composer's `Comparator`, over its normal forms."""

    name = "composer"
    key_version = 2

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion`, for two different branches too."""
        one, two = parts(a), parts(b)
        if isinstance(one, str) and isinstance(two, str):
            if one != two:
                raise InvalidVersion(f"{a!r} and {b!r}: branches have no order among themselves")
            return 0
        if isinstance(one, str) or isinstance(two, str):
            return -1 if isinstance(one, str) else 1
        return sign([*one, (_END, 0)], [*two, (_END, 0)])

    def key(self, text: str) -> bytes:
        """Part by part; raises `InvalidVersion`."""
        found = parts(text)
        if isinstance(found, str):
            raise InvalidVersion(f"{text!r}: a branch has no key")
        out = bytearray()
        for place, number in found:
            out.append(place)
            if place == _NUMBER:
                out += num(str(number))
        return bytes(out) + bytes((_END,))
