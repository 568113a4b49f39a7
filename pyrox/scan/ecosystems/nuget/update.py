"""Reads the advisories of NuGet in OSV form."""

from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.ecosystems.nuget.match import NAMESPACE
from pyrox.scan.ecosystems.nuget.version import SCHEME

SOURCES = (OsvSource("NuGet", SCHEME, namespace=lambda _: NAMESPACE, normalise=str.lower),)
