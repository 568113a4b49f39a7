"""The version order of Debian and Ubuntu packages."""

from pyrox.scan.versions.dpkg import Dpkg

SCHEME = Dpkg()
SCHEMES = (SCHEME,)
