"""The version order of crates."""

from pyrox.scan.versions.semver import Cargo

SCHEME = Cargo()
SCHEMES = (SCHEME,)
