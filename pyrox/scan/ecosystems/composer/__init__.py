"""Composer packages."""

from pyrox.scan.wire import Wire

WIRE = Wire(databases=("composer",), repository="packagist", purl="composer", spaced="/")
