"""Reads the advisories of Maven in OSV form."""

from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.ecosystems.java.match import NAMESPACE
from pyrox.scan.ecosystems.java.version import SCHEME

SOURCES = (OsvSource("Maven", SCHEME, namespace=lambda _: NAMESPACE, normalise=str),)
