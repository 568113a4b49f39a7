"""Which files of a package database matter: those that a language detector would read.

Database readers keep only these paths, so that a layer's finds stay small; the coalescer
drops language packages whose file a distribution's package owns.
"""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.model import Owned

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
    "/package.json",
)
_PLACES: Final = re.compile(r"usr/(?:local/)?s?bin/[^/]+$|usr/libexec/.+$|usr/lib/(?:golang|go-[0-9.]+)/.+$")
_PYTHON: Final = ("/dist-packages/", "/site-packages/")
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
    return path.endswith(".so") and any(place in path for place in _PYTHON)


def key(path: str) -> str:
    """The path below the root, with merged directories written below `usr`."""
    clean = path.lstrip("/").removeprefix("./")
    return f"usr/{clean}" if clean.partition("/")[0] in _MERGED else clean
