"""Reads the advisories of npm in OSV form."""

from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.ecosystems.nodejs.match import NAMESPACE
from pyrox.scan.ecosystems.nodejs.version import SCHEME

SOURCES = (OsvSource("npm", SCHEME, namespace=lambda _: NAMESPACE, normalise=str),)
