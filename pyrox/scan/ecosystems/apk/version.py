"""The version order of apk packages."""

from pyrox.scan.versions.apk import Apk

SCHEME = Apk()
SCHEMES = (SCHEME,)
