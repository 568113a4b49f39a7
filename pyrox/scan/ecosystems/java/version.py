"""The version order of Maven artifacts."""

from pyrox.scan.versions.maven import Maven

SCHEME = Maven()
SCHEMES = (SCHEME,)
