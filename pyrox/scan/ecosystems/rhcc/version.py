"""The version order of Red Hat's container images: their tags, or the time of their build."""

from pyrox.scan.versions.rhctag import RhcTag

SCHEME = RhcTag()
SCHEMES = (SCHEME,)
