"""Finds apk packages, the files they own, and the Alpine-like release of a layer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from typing import BinaryIO, Final

from pyrox.scan.formats import osrelease
from pyrox.scan.formats.run import Collector
from pyrox.scan.model import Distribution, Finds, NoteKind, Package
from pyrox.scan.ownership import owned
from pyrox.scan.protocols import Entry, Limits

ECOSYSTEM: Final = "apk"
# apk-tools 3 moved the database below usr; the older place may be a link to it.
DATABASES: Final = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_FIELDS: Final = frozenset("PVAcoC")
_ISSUE: Final = re.compile(r"Alpine Linux v?([0-9]+\.[0-9]+)")
_VERSION: Final = re.compile(r"v?([0-9]+\.[0-9]+)")


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one database: stanzas of one-letter fields, separated by empty lines.

        Files are listed below the directory that the line before them names; `owned` keeps
        few of them, so none is held until its stanza ends.
        """
        self._collector.begin(entry.path)
        self._collector.database(entry.path)
        fields: dict[str, str] = {}
        directory = ""
        for line in BytesIO(self._collector.text(entry, data)):
            letter, _, value = line.rstrip(b"\r\n").decode("utf-8", "replace").partition(":")
            if letter == "F":
                directory = value
            elif letter == "R":
                file = f"{directory}/{value}" if directory else value
                self._collector.own(owned(file, fields.get("P", ""), entry.path))
            elif letter in _FIELDS:
                fields[letter] = value
            elif not letter and fields:
                if not self._package(entry.path, fields):
                    return
                fields, directory = {}, ""
        if fields:
            self._package(entry.path, fields)

    def _package(self, path: str, fields: Mapping[str, str]) -> bool:
        name, version = fields.get("P", ""), fields.get("V", "")
        if not name or not version:
            self._collector.note(NoteKind.MALFORMED, path, "stanza without name or version")
            return True
        origin = fields.get("o", "")
        package = Package(
            name=name,
            version=version,
            ecosystem=ECOSYSTEM,
            package_db=path,
            arch=fields.get("A", ""),
            repository_hint=fields.get("c", ""),
            source_name=origin,
            source_version=version if origin else "",
        )
        return self._collector.add(path, package)

    def finish(self) -> Finds:
        """The packages of the layer's databases."""
        return self._collector.finds()


class ApkDetector:
    """Reads apk's database of installed packages at its two places."""

    name = "apk"
    version = "v0.0.2"
    kind = "package"
    reads_text = True

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True for the database."""
        return path in DATABASES

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


def read_alpine(files: Mapping[str, str]) -> Distribution | None:
    """Alpine from os-release, or from the greeting in etc/issue; the patch number is dropped."""
    values = osrelease.release(files)
    if values.get("ID") == "alpine":
        edge = values.get("PRETTY_NAME") == "Alpine Linux edge"
        found = _VERSION.match(values.get("VERSION_ID", ""))
    elif values:
        return None
    else:
        edge, found = False, _ISSUE.search(files.get("etc/issue", ""))
    if not edge and found is None:
        return None
    version = "edge" if edge or found is None else found[1]
    pretty = "Alpine Linux edge" if version == "edge" else f"Alpine Linux v{version}"
    return Distribution(did="alpine", name="Alpine Linux", version=version, pretty_name=pretty)


def read_rolling(files: Mapping[str, str]) -> Distribution | None:
    """Wolfi and Chainguard: one rolling release each, so the version does not tell feeds apart."""
    values = osrelease.release(files)
    did = values.get("ID", "")
    if did not in {"wolfi", "chainguard"}:
        return None
    name = values.get("NAME", did.title())
    version = values.get("VERSION_ID", "")
    return Distribution(
        did=did, name=name, version=version, version_id=version, pretty_name=values.get("PRETTY_NAME", name)
    )


DETECTORS = (
    ApkDetector(),
    osrelease.DistributionDetector("alpine", "3", read_alpine, extra=("etc/issue",)),
    osrelease.DistributionDetector("wolfi", "1", read_rolling),
)
