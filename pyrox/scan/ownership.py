"""Which files of a package database matter: those that a language detector would read.

Database readers keep only these paths, so that a layer's finds stay small; the coalescer
drops language packages whose file a distribution's package owns.
"""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.model import Owned

# claircore's list for rpm (internal/rpm/files.go), with Debian's dist-packages and dist-info.
_INTERESTING: Final = re.compile(
    r".*\.(?:jar|ear|war|jpi|hpi|gemspec|egg-info)$"
    r"|.*\.egg-info/PKG-INFO$|.*\.dist-info/METADATA$|.*\.egg/EGG-INFO/PKG-INFO$"
    r"|.*\.deps\.json$|.*/composer/installed\.json$|.*/(?:dist|site)-packages/.*\.so$"
    r"|.*/package\.json$|usr/(?:local/)?s?bin/[^/]+$|usr/libexec/.+$|usr/lib/(?:golang|go-[0-9.]+)/.+$"
)
_MERGED: Final = ("lib", "lib64", "bin", "sbin")


def owned(path: str, package: str, package_db: str) -> Owned | None:
    """The record for a path of a database, or None when no language detector reads it.

    Top-level `lib`, `bin` and `sbin` are links into `usr` on merged systems: the path is
    kept in its `usr` form, and `key` gives the same form for a file.
    """
    clean = key(path)
    return Owned(clean, package, package_db) if _INTERESTING.match(clean) else None


def key(path: str) -> str:
    """The path below the root, with merged directories written below `usr`."""
    clean = path.lstrip("/").removeprefix("./")
    return f"usr/{clean}" if clean.partition("/")[0] in _MERGED else clean
