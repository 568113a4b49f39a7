"""Reads the advisories of crates.io in OSV form."""

from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.ecosystems.cargo.match import NAMESPACE
from pyrox.scan.ecosystems.cargo.version import SCHEME

SOURCES = (OsvSource("crates.io", SCHEME, namespace=lambda _: NAMESPACE, normalise=str),)
