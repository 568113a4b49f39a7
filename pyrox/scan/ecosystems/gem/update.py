"""Reads the advisories of RubyGems in OSV form."""

from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.ecosystems.gem.match import NAMESPACE
from pyrox.scan.ecosystems.gem.version import SCHEME

SOURCES = (OsvSource("RubyGems", SCHEME, namespace=lambda _: NAMESPACE, normalise=str),)
