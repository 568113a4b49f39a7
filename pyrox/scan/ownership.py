"""Which files of package databases matter: those that a language detector would read.

Database readers keep only these paths (`owned`), so that a layer's finds stay small; the
coalescer drops language packages whose file belongs to a package that is installed in the
end (`effective`), in whatever layer it lies.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pyrox.scan.model import Finds, Owned

# claircore's list for rpm (internal/rpm/files.go), with Debian's dist-packages and dist-info.
_ENDINGS: Final = (
    ".jar",
    ".ear",
    ".war",
    ".jpi",
    ".hpi",
    ".gemspec",
    ".egg-info",
    ".egg-info/PKG-INFO",
    ".dist-info/METADATA",
    ".egg/EGG-INFO/PKG-INFO",
    ".deps.json",
    "/composer/installed.json",
    "/composer/installed.php",
    "/package.json",
)
_PLACES: Final = re.compile(
    r"usr/(?:local/)?s?bin/[^/]+$|usr/libexec/.+$|usr/lib/(?:golang|go(?:-[0-9.]+)?)/.+$"
)
_MERGED: Final = ("lib", "lib64", "bin", "sbin")


def owned(path: str, package: str, package_db: str) -> Owned | None:
    """The record for a path of a database, or None when no language detector reads it.

    Top-level `lib`, `bin` and `sbin` are links into `usr` on merged systems: the path is
    kept in its `usr` form, and `key` gives the same form for a file.
    """
    clean = key(path)
    return Owned(clean, package, package_db) if _matters(clean) else None


def _matters(path: str) -> bool:
    """Whether a language detector reads the file; no pattern here goes back over the path."""
    if path.endswith(_ENDINGS) or _PLACES.match(path):
        return True
    # Libraries carry lists of crates and of Go's modules too: Alpine builds its Rust with them.
    base = path.rpartition("/")[2]
    return base.endswith(".so") or ".so." in base


def key(path: str) -> str:
    """The path below the root, with merged directories written below `usr`."""
    clean = path.lstrip("/").removeprefix("./")
    return f"usr/{clean}" if clean.partition("/")[0] in _MERGED else clean


def effective(finds: Sequence[Finds]) -> frozenset[str]:
    """The paths that packages own which are installed after the last of these layers.

    dpkg writes a list of files for each package once, in the layer that installs it; the
    databases of rpm and apk hold all packages, so that their newest layer counts.
    """
    newest: dict[str, int] = {}
    for layer, found in enumerate(finds):
        newest.update((key(database), layer) for database in found.databases)
    installed = {
        (key(package.package_db), package.name)
        for layer, found in enumerate(finds)
        for package in found.packages
        if newest.get(key(package.package_db)) == layer
    }
    return frozenset(
        item.path
        for layer, found in enumerate(finds)
        for item in found.owned
        if _counts(item, layer, newest.get(key(item.package_db)), installed)
    )


def _counts(item: Owned, layer: int, newest: int | None, installed: set[tuple[str, str]]) -> bool:
    if newest is None:
        return False
    if "/status.d/" in item.package_db:  # one file for each package, which need not have its name
        return True
    known = (key(item.package_db), item.package) in installed
    return known and (layer == newest or item.package_db.endswith("/status"))
