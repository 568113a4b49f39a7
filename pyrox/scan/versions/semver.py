"""Semantic versions, leniently read, and the orders that build on them: npm, Cargo, Go, NuGet.

Any count of numbers is accepted (a missing one is 0), a leading `v` or `=` is dropped, and
build metadata does not count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign
from pyrox.scan.versions.base import text as encode_text

_VERSION: Final = re.compile(
    r"\s*[vV=]?(?P<numbers>[0-9]+(?:\.[0-9]+)*)"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.+_-]*)?\s*",
    re.ASCII,
)
_GO_RELEASE: Final = re.compile(
    r"(?P<number>[0-9]+\.[0-9]+(?:\.[0-9]+)?)(?P<word>rc|beta|alpha)(?P<n>[0-9]+)"
)
_RELEASE: Final = b"\x03"  # no pre-release: above every identifier


@dataclass(frozen=True, slots=True)
class Parts:
    """Numbers without trailing zeros, and the identifiers of the pre-release."""

    numbers: tuple[int, ...]
    pre: tuple[int | str, ...]


def parse(version: str) -> Parts:
    """Take a version apart.

    Raises:
        InvalidVersion: it does not have the form of a semantic version.
    """
    check_length(version)
    found = _VERSION.fullmatch(version)
    if found is None:
        raise InvalidVersion(f"{version!r}: not a semantic version")
    numbers = [int(n) for n in found["numbers"].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    pre = found["pre"].split(".") if found["pre"] else []
    return Parts(tuple(numbers), tuple(int(p) if p.isdigit() else p for p in pre))


def _order(pre: tuple[int | str, ...]) -> tuple[object, ...]:
    return tuple((0, p, "") if isinstance(p, int) else (1, 0, p) for p in pre)


class Semver(Scheme):
    """The order of semver.org, 11."""

    name = "semver"

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion`."""
        one, two = self.parts(a), self.parts(b)
        if one.numbers != two.numbers or not (one.pre and two.pre):
            return sign(one.numbers, two.numbers) or sign(not one.pre, not two.pre)
        return sign(_order(one.pre), _order(two.pre))

    def key(self, text: str) -> bytes:
        """Numbers, then the pre-release; raises `InvalidVersion`."""
        found = self.parts(text)
        out = bytearray()
        for number in found.numbers:
            out += b"\x02" + num(str(number))
        out.append(1)
        if not found.pre:
            return bytes(out) + _RELEASE
        for identifier in found.pre:
            out += (
                b"\x01" + num(str(identifier))
                if isinstance(identifier, int)
                else b"\x02" + encode_text(identifier)
            )
        return bytes(out) + b"\x00"

    def parts(self, version: str) -> Parts:
        """The version taken apart by this order's reading; raises `InvalidVersion`."""
        return parse(version)


class Cargo(Semver):
    """Rust's crates: semantic versions."""

    name = "cargo"


class Nuget(Semver):
    """NuGet: up to four numbers, pre-release without regard to case."""

    name = "nuget"

    def parts(self, version: str) -> Parts:
        """Without regard to case; raises `InvalidVersion`."""
        return parse(version.lower())


class Go(Semver):
    """Go modules and the toolchain: `v1.2.3+incompatible`, pseudo-versions, `go1.22rc1`."""

    name = "go"

    def parts(self, version: str) -> Parts:
        """Without `v`, `go` and `+incompatible`; raises `InvalidVersion`."""
        plain = version.strip().removeprefix("go")
        found = _GO_RELEASE.fullmatch(plain)
        if found:
            plain = f"{found['number']}-{found['word']}.{found['n']}"
        return parse(plain)
