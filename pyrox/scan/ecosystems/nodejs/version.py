"""The version order of npm packages."""

from pyrox.scan.versions.semver import Semver

SCHEME = Semver()
SCHEMES = (SCHEME,)
