"""Reads the advisories of PyPI in OSV form."""

from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.ecosystems.python.match import NAMESPACE, normalise
from pyrox.scan.ecosystems.python.version import SCHEME

SOURCES = (OsvSource("PyPI", SCHEME, namespace=lambda _: NAMESPACE, normalise=normalise),)
