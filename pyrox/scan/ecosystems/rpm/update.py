"""Reads the advisories of distributions that use rpm."""

from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.advisories.vex import VexSource
from pyrox.scan.ecosystems.rpm.version import SCHEME


def almalinux(ecosystem: str) -> str:
    """`AlmaLinux:9` to `almalinux:9`; without a release there is nothing to match."""
    return ecosystem.lower()


def rocky(ecosystem: str) -> str:
    """`Rocky Linux:9` to `rocky:9`."""
    return f"rocky:{ecosystem.partition(':')[2]}"


SOURCES = (
    OsvSource("AlmaLinux", SCHEME, namespace=almalinux),
    OsvSource("Rocky Linux", SCHEME, namespace=rocky),
    VexSource(SCHEME),
)
