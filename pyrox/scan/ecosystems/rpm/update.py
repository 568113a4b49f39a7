"""Reads the advisories of distributions that use rpm."""

from typing import Final

from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.advisories.oval import OvalSource
from pyrox.scan.advisories.updateinfo import UpdateinfoSource
from pyrox.scan.advisories.vex import VexSource
from pyrox.scan.ecosystems.rpm import feeds
from pyrox.scan.ecosystems.rpm.version import SCHEME

_SECURITY: Final = frozenset(("security",))


def almalinux(ecosystem: str) -> str:
    """`AlmaLinux:9` to `almalinux:9`; without a release there is nothing to match."""
    return ecosystem.lower()


def rocky(ecosystem: str) -> str:
    """`Rocky Linux:9` to `rocky:9`."""
    return f"rocky:{ecosystem.partition(':')[2]}"


def azure(ecosystem: str) -> str:
    """`Azure Linux:3` to `azurelinux:3.0`; release 2 still called itself Mariner."""
    release = ecosystem.partition(":")[2].removesuffix(".0")
    return f"{'mariner' if release in {'1', '2'} else 'azurelinux'}:{release}.0"


SOURCES = (
    OsvSource("AlmaLinux", SCHEME, namespace=almalinux),
    OsvSource("Rocky Linux", SCHEME, namespace=rocky),
    OsvSource("Azure Linux", SCHEME, namespace=azure),
    VexSource(SCHEME),
    OvalSource(
        "oracle",
        SCHEME,
        updater=feeds.oracle_updater,
        namespaces=feeds.oracle_namespaces,
        refused="ksplice",
        belongs=feeds.oracle_belongs,
    ),
    OvalSource("suse", SCHEME, updater=feeds.suse_updater, namespaces=feeds.suse_namespaces),
    OvalSource("photon", SCHEME, updater=feeds.photon_updater, namespaces=feeds.photon_namespaces),
    OvalSource("azure", SCHEME, updater=feeds.azure_updater, namespaces=feeds.azure_namespaces),
    UpdateinfoSource("aws", SCHEME, updater=feeds.amazon_updater, namespace=feeds.amazon_namespace),
    UpdateinfoSource(
        "fedora",
        SCHEME,
        updater=feeds.fedora_updater,
        namespace=feeds.fedora_namespace,
        types=_SECURITY,
    ),
)
