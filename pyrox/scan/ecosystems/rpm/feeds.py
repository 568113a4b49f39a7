"""The feeds of distributions that use rpm: whose file a path is, and which releases it is for.

`update` makes the parsers of it. The names of updaters are upstream's where upstream has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from pyrox.scan.advisories.oval import Definition

_PACKED: Final = r"(?:\.gz|\.bz2)?"
_ORACLE: Final = re.compile(rf"oracle/com\.oracle\.elsa-([0-9]{{4}})\.xml{_PACKED}")
_ORACLE_BUILD: Final = re.compile(r"\.el([0-9]+)(?:[^0-9]|$)")
_ORACLE_RELEASE: Final = re.compile(r"Oracle Linux ([0-9]+)")
_SUSE: Final = re.compile(
    rf"suse/((?:suse\.linux\.enterprise\.server|opensuse\.leap)\.([0-9]+(?:\.[0-9]+)?))(?:-affected)?\.xml{_PACKED}"
)
_PHOTON: Final = re.compile(rf"photon/com\.vmware\.phsa-(photon([0-9]))\.xml{_PACKED}")
_AZURE: Final = re.compile(rf"azure/(azurelinux|cbl-mariner)-([0-9]\.[0-9])-oval\.xml{_PACKED}")
_AMAZON: Final = re.compile(rf"amazon/(AL1|AL2|AL2023)/updateinfo\.xml{_PACKED}")
_FEDORA: Final = re.compile(rf"fedora/([0-9]+)/updateinfo\.xml{_PACKED}")
_AMAZON_RELEASES: Final = {"AL1": "2018.03", "AL2": "2", "AL2023": "2023"}


def _name(pattern: re.Pattern[str], form: str) -> Callable[[str], str]:
    def updater(path: str) -> str:
        found = pattern.fullmatch(path)
        return form.format(*found.groups()) if found else ""

    return updater


oracle_updater = _name(_ORACLE, "oracle-{0}-updater")
suse_updater = _name(_SUSE, "suse-updater-{0}")
photon_updater = _name(_PHOTON, "photon-updater-{0}")
azure_updater = _name(_AZURE, "azure-updater-{0}-{1}")
amazon_updater = _name(_AMAZON, "aws-{0}-updater")
fedora_updater = _name(_FEDORA, "fedora-updater-{0}")


def oracle_namespaces(path: str, definition: Definition) -> Sequence[str]:  # noqa: ARG001 - the protocol's
    """The releases among the definition's platforms."""
    found = (_ORACLE_RELEASE.fullmatch(platform) for platform in definition.platforms)
    return tuple(dict.fromkeys(f"ol:{match[1]}" for match in found if match))


def oracle_belongs(namespace: str, fixed: str) -> bool:
    """False for a build of another release (`….el7`), which a definition of several holds too."""
    found = _ORACLE_BUILD.search(fixed)
    return found is None or namespace == f"ol:{found[1]}"


def suse_namespaces(path: str, definition: Definition) -> Sequence[str]:  # noqa: ARG001 - the protocol's
    """The document's release: SLES by its major number, Leap by both."""
    found = _SUSE.fullmatch(path)
    if found is None:
        return ()
    return (f"opensuse-leap:{found[2]}" if found[1].startswith("opensuse") else f"sles:{found[2]}",)


def photon_namespaces(path: str, definition: Definition) -> Sequence[str]:  # noqa: ARG001 - the protocol's
    """`photon:3.0` for the document of photon3."""
    found = _PHOTON.fullmatch(path)
    return (f"photon:{found[2]}.0",) if found else ()


def azure_namespaces(path: str, definition: Definition) -> Sequence[str]:  # noqa: ARG001 - the protocol's
    """`azurelinux:3.0`, or `mariner:2.0` as the system was called before."""
    found = _AZURE.fullmatch(path)
    return (f"{found[1].removeprefix('cbl-')}:{found[2]}",) if found else ()


def amazon_namespace(path: str) -> str:
    """`amzn:2023` for the repository of AL2023."""
    found = _AMAZON.fullmatch(path)
    return f"amzn:{_AMAZON_RELEASES[found[1]]}" if found else ""


def fedora_namespace(path: str) -> str:
    """`fedora:39` for that release's repository."""
    found = _FEDORA.fullmatch(path)
    return f"fedora:{found[1]}" if found else ""
