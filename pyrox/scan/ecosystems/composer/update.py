"""Reads the advisories of Packagist in OSV form."""

from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.ecosystems.composer.match import NAMESPACE
from pyrox.scan.ecosystems.composer.version import SCHEME

SOURCES = (OsvSource("Packagist", SCHEME, namespace=lambda _: NAMESPACE, normalise=str.lower),)
