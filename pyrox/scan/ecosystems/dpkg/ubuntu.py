"""Reads Ubuntu's OVAL documents, one for each series, as `update` lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pyrox.scan.advisories.oval import Definition, OvalSource
from pyrox.scan.ecosystems.dpkg.version import SCHEME

# The series that Canonical publishes documents for, by code name.
SERIES: Final[Mapping[str, str]] = {
    "trusty": "14.04",
    "xenial": "16.04",
    "bionic": "18.04",
    "focal": "20.04",
    "jammy": "22.04",
    "lunar": "23.04",
    "mantic": "23.10",
    "noble": "24.04",
    "oracular": "24.10",
    "plucky": "25.04",
    "questing": "25.10",
}
_PATH: Final = re.compile(r"ubuntu/(?:oci\.)?com\.ubuntu\.([a-z]+)\.cve\.oval\.xml(?:\.bz2|\.gz)?")


def updater(path: str) -> str:
    """`ubuntu/updater/jammy` for that series' document."""
    found = _PATH.fullmatch(path)
    return f"ubuntu/updater/{found[1]}" if found and found[1] in SERIES else ""


def namespaces(path: str, definition: Definition) -> Sequence[str]:  # noqa: ARG001 - the protocol's signature
    """The one release that the document is for."""
    return (f"ubuntu:{SERIES[updater(path).rpartition('/')[2]]}",)


SOURCE = OvalSource("ubuntu/updater", SCHEME, updater=updater, namespaces=namespaces)
