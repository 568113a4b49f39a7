"""Distributions that use rpm: their releases, versions and advisories."""

from pyrox.scan.wire import Wire

WIRE = Wire(databases=("bdb", "sqlite", "ndb"), purl="rpm")
