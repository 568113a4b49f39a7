"""Debian and Ubuntu: dpkg databases, distributions, versions and advisories."""

from pyrox.scan.wire import Wire

WIRE = Wire(systems=("debian", "ubuntu"), purl="deb")
