"""Reads the advisories of Kubernetes in OSV form."""

from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.ecosystems.kubernetes.match import NAMESPACE
from pyrox.scan.ecosystems.kubernetes.version import SCHEME

SOURCES = (OsvSource("Kubernetes", SCHEME, namespace=lambda _: NAMESPACE),)
