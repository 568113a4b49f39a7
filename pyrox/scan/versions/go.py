"""The order of Go modules and of the Go toolchain.

Modules: golang.org/x/mod/semver, where pseudo-versions and `+incompatible` need no rule of
their own; the `v` may be missing, as in advisories. Toolchain: go/version of the standard
library (internal/gover): `go1.21 < go1.21rc1 < go1.21.0`, and what follows a hyphen names
the vendor. Both have one order, since advisories write toolchain versions as semantic
ones: `go1.21rc2` is `1.21.0-rc.2`, and `go1.21` is below every release candidate.
"""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.versions.base import InvalidVersion, check_length
from pyrox.scan.versions.semver import NUMBER, STRICT_TAIL, Parts, SemanticScheme, identifiers, trimmed

_MODULE: Final = re.compile(
    rf"v?(?P<numbers>{NUMBER}(?:\.{NUMBER})?)|v?(?P<full>{NUMBER}\.{NUMBER}\.{NUMBER}){STRICT_TAIL}"
)
_TOOLCHAIN: Final = re.compile(
    rf"(?P<major>{NUMBER})(?:\.(?P<minor>{NUMBER})"
    rf"(?:\.(?P<patch>{NUMBER})|(?P<kind>[a-z]+)(?P<pre>{NUMBER})?)?)?"
)
_LANGUAGE: Final = 21  # from this minor version on, one without a patch is the language, not a release


def _toolchain(version: str) -> Parts | None:
    found = _TOOLCHAIN.fullmatch(version)
    if found is None:
        return None
    minor = int(found["minor"] or 0)
    numbers = trimmed((int(found["major"]), minor, int(found["patch"] or 0)))
    if found["kind"]:
        return Parts(numbers, (found["kind"], *((int(found["pre"]),) if found["pre"] else ())))
    return Parts(numbers, None if found["patch"] or minor < _LANGUAGE else ())


def _module(version: str) -> Parts | None:
    found = _MODULE.fullmatch(version)
    if found is None:
        return None
    return Parts(trimmed(map(int, (found["numbers"] or found["full"]).split("."))), identifiers(found["pre"]))


class Go(SemanticScheme):
    """Go modules and the toolchain: `v1.2.3+incompatible`, pseudo-versions, `go1.22rc1`."""

    name = "go"
    key_version = 2

    def parts(self, version: str) -> Parts:
        """A module's version, or a toolchain's with or without `go`; raises `InvalidVersion`."""
        check_length(version)
        if version.startswith("go"):
            found = _toolchain(version[2:].partition("-")[0])
        else:
            found = _module(version) or _toolchain(version)
        if found is None:
            raise InvalidVersion(f"{version!r}: not a Go version")
        return found
