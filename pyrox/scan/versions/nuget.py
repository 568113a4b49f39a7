"""NuGet's order: NuGet.Versioning (NuGetVersionFactory.cs, VersionComparer.cs), default mode.

One to four numbers, leading zeros allowed; labels without regard to case, those that are a
32-bit number (with a sign, too) below the others; build metadata does not count.
"""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.versions.base import InvalidVersion, check_length
from pyrox.scan.versions.semver import IDENTIFIERS, Identifier, Parts, SemanticScheme, trimmed

_NUMBER: Final = r"\s*[0-9]+\s*"
_VERSION: Final = re.compile(
    rf"(?P<numbers>{_NUMBER}(?:\.{_NUMBER}){{0,3}})(?:-(?P<pre>{IDENTIFIERS}))?(?:\+{IDENTIFIERS})?"
)
_PADDED: Final = re.compile(r"0[0-9]+")
_SIGNED: Final = re.compile(r"-?[0-9]+")
_INT: Final = 2**31  # int.TryParse takes -_INT to _INT - 1


def _label(label: str) -> Identifier:
    if _SIGNED.fullmatch(label) and -_INT <= int(label) < _INT:
        return int(label) + _INT  # never negative, so that a key can hold it
    return label.lower()


class Nuget(SemanticScheme):
    """The order of `NuGetVersion`."""

    name = "nuget"
    key_version = 2

    def parts(self, version: str) -> Parts:
        """The version taken apart; raises `InvalidVersion`."""
        check_length(version)
        found = _VERSION.fullmatch(version.strip())
        labels = found["pre"].split(".") if found and found["pre"] else None
        numbers = trimmed(map(int, found["numbers"].split("."))) if found else ()
        if found is None or any(n >= _INT for n in numbers) or any(map(_PADDED.fullmatch, labels or ())):
            raise InvalidVersion(f"{version!r}: not a NuGet version")
        return Parts(numbers, None if labels is None else tuple(map(_label, labels)))
