"""The version order of rpm packages."""

from pyrox.scan.versions.rpm import Rpm

SCHEME = Rpm()
SCHEMES = (SCHEME,)
