"""The version order of Go modules."""

from pyrox.scan.versions.semver import Go

SCHEME = Go()
SCHEMES = (SCHEME,)
