"""Reads the advisories of Go in OSV form."""

from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.ecosystems.go.match import NAMESPACE
from pyrox.scan.ecosystems.go.version import SCHEME

SOURCES = (OsvSource("Go", SCHEME, namespace=lambda _: NAMESPACE, normalise=str),)
