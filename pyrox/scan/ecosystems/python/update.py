"""Reads the advisories of PyPI in OSV form."""

from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.ecosystems.python.match import NAMESPACE
from pyrox.scan.ecosystems.python.version import SCHEME
from pyrox.scan.names import pep503

SOURCES = (OsvSource("PyPI", SCHEME, namespace=lambda _: NAMESPACE, normalise=pep503),)
