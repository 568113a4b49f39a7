"""The version order of Composer packages."""

from pyrox.scan.versions.composer import Composer

SCHEME = Composer()
SCHEMES = (SCHEME,)
