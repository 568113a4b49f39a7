"""Semantic versions: the shared order (semver.org, 11), npm's reading and Cargo's.

npm's is node-semver's (functions/compare, classes/semver.js), strict and loose alike, and
more: one or two numbers are padded with zeros, since advisories and Kubernetes write
bounds so. Cargo's is that of the crate `semver`, by precedence: build metadata, which its
`Ord` counts so that the order is total, counts in no range either.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign
from pyrox.scan.versions.base import text as encode_text

NUMBER: Final = r"(?:0|[1-9][0-9]*)"
IDENTIFIERS: Final = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_STRICT_ID: Final = rf"(?:{NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
STRICT_TAIL: Final = rf"(?:-(?P<pre>{_STRICT_ID}(?:\.{_STRICT_ID})*))?(?:\+{IDENTIFIERS})?"

# What JavaScript's trim() takes away, which is not what Python's strip() does.
_JS_BLANKS: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_NPM: Final = re.compile(
    rf"[vV={_JS_BLANKS}]*(?P<numbers>[0-9]+(?:\.[0-9]+){{0,2}})"
    rf"(?:-(?P<pre>{IDENTIFIERS})|(?P<joined>[A-Za-z]{IDENTIFIERS}|[A-Za-z]))?(?:\+{IDENTIFIERS})?"
)
_CARGO: Final = re.compile(rf"(?P<numbers>{NUMBER}\.{NUMBER}\.{NUMBER}){STRICT_TAIL}")
_NPM_CHARS: Final = 256  # node-semver, internal/constants.js: MAX_LENGTH
_NPM_NUMBER: Final = 2**53 - 1  # MAX_SAFE_INTEGER
_CARGO_NUMBER: Final = 2**64 - 1
_RELEASE: Final = b"\x03"  # no pre-release: above every identifier

Identifier = int | str


@dataclass(frozen=True, slots=True)
class Parts:
    """Numbers without trailing zeros, and the identifiers of the pre-release; None for a release.

    An empty pre-release is below all others.
    """

    numbers: tuple[int, ...]
    pre: tuple[Identifier, ...] | None = None


def trimmed(numbers: Iterable[int]) -> tuple[int, ...]:
    """The numbers without trailing zeros: a missing one is 0."""
    found = list(numbers)
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def identifiers(pre: str | None) -> tuple[Identifier, ...] | None:
    """The identifiers of a pre-release, those of digits alone as numbers."""
    return tuple(int(p) if p.isdigit() else p for p in pre.split(".")) if pre else None


def parse(version: str) -> Parts:
    """Take a version apart as npm does.

    Raises:
        InvalidVersion: it does not have the form of a semantic version.
    """
    check_length(version)
    found = _NPM.fullmatch(version.strip(_JS_BLANKS)) if len(version) <= _NPM_CHARS else None
    if found is None:
        raise InvalidVersion(f"{version!r}: not a semantic version")
    numbers = trimmed(map(int, found["numbers"].split(".")))
    if any(number > _NPM_NUMBER for number in numbers):
        raise InvalidVersion(f"{version!r}: a number is above what npm can count to")
    pre = identifiers(found["pre"] or found["joined"])
    # JavaScript compares numeric identifiers as floating-point numbers.
    return Parts(numbers, pre and tuple(int(float(p)) if isinstance(p, int) else p for p in pre))


def _order(pre: tuple[Identifier, ...]) -> tuple[object, ...]:
    return tuple((0, p, "") if isinstance(p, int) else (1, 0, p) for p in pre)


class SemanticScheme(Scheme):
    """The order of semver.org, 11; each reading derives from it and gives `parts`."""

    @abstractmethod
    def parts(self, version: str) -> Parts:
        """The version taken apart by this order's reading; raises `InvalidVersion`."""

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion`."""
        one, two = self.parts(a), self.parts(b)
        if one.numbers != two.numbers:
            return sign(one.numbers, two.numbers)
        if one.pre is None or two.pre is None:
            return sign(one.pre is None, two.pre is None)
        return sign(_order(one.pre), _order(two.pre))

    def key(self, text: str) -> bytes:
        """Numbers, then the pre-release; raises `InvalidVersion`."""
        found = self.parts(text)
        out = bytearray()
        for number in found.numbers:
            out += b"\x02" + num(str(number))
        out.append(1)
        if found.pre is None:
            return bytes(out) + _RELEASE
        for identifier in found.pre:
            if isinstance(identifier, int):
                out += b"\x01" + num(str(identifier))
            else:
                out += b"\x02" + encode_text(identifier)
        return bytes(out) + b"\x00"


class Semver(SemanticScheme):
    """The order of node-semver."""

    name = "semver"
    key_version = 2

    def parts(self, version: str) -> Parts:
        """The version taken apart by `parse`."""
        return parse(version)


class Cargo(SemanticScheme):
    """The order of Rust's crates."""

    name = "cargo"
    key_version = 2

    def parts(self, version: str) -> Parts:
        """The version of a crate: three numbers, nothing before them; raises `InvalidVersion`."""
        check_length(version)
        found = _CARGO.fullmatch(version)
        numbers = trimmed(map(int, found["numbers"].split("."))) if found else ()
        if found is None or any(number > _CARGO_NUMBER for number in numbers):
            raise InvalidVersion(f"{version!r}: not a crate's version")
        return Parts(numbers, identifiers(found["pre"]))
