"""The version order of gems."""

from pyrox.scan.versions.gem import Gem

SCHEME = Gem()
SCHEMES = (SCHEME,)
