"""Finds dpkg packages, the files they own, and the Debian or Ubuntu release of a layer.

Indexer and Compliance run these detectors; advisories are unknown here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from itertools import islice
from typing import BinaryIO, Final

from pyrox.scan.formats import deb822, osrelease
from pyrox.scan.formats.run import Collector, Room
from pyrox.scan.model import Distribution, Finds, NoteKind, Package
from pyrox.scan.ownership import owned
from pyrox.scan.protocols import Entry, Limits

ECOSYSTEM: Final = "dpkg"
_DEFAULT_STATUS: Final = "var/lib/dpkg/status"
_FIELDS: Final = frozenset(
    (
        b"package",
        b"version",
        b"architecture",
        b"status",
        b"source",
        b"port-version",
        b"default-features",
        b"feature",
    )
)
_VCPKG: Final = (b"port-version", b"default-features", b"feature")
_SOURCE: Final = re.compile(r"(\S+)(?:\s+\(([^)]*)\))?")
_CODENAME: Final = re.compile(r"\(([^()]+)\)\s*$")
_LSB: Final = "etc/lsb-release"
_MAX_DATABASES: Final = 1000
_INFO: Final = (".md5sums", ".list", "/info/format")


def _package(stanza: Mapping[bytes, str], package_db: str) -> Package:
    name, version = stanza[b"package"], stanza[b"version"]
    found = _SOURCE.match(stanza.get(b"source", ""))
    return Package(
        name=name,
        version=version,
        ecosystem=ECOSYSTEM,
        package_db=package_db,
        arch=stanza.get(b"architecture", ""),
        source_name=found[1] if found else name,
        source_version=(found[2] or version) if found else version,
    )


def _complete(stanza: Mapping[bytes, str]) -> bool:
    return all(stanza.get(field) for field in (b"package", b"version", b"architecture"))


class _StatusRun:
    """Joins the status files of a layer with the `info` directories beside them."""

    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)
        self._status: dict[str, bytes] = {}
        self._infos: dict[str, dict[str, str]] = {}
        self._limits = limits
        self._held = Room(2 * limits.text_bytes)
        self._hints = Room(limits.found_bytes)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Keep a status file for the end; read the lists at once."""
        directory, _, base = entry.path.rpartition("/")
        if base == "status":
            self._hold(entry, data)
            return
        root = directory.rpartition("/")[0]
        if root not in self._infos and len(self._infos) >= _MAX_DATABASES:
            self._collector.note(NoteKind.TOO_MANY, entry.path, "more dpkg databases than are read")
            return
        info = self._infos.setdefault(root, {})
        stem, _, kind = base.rpartition(".")
        name = stem.partition(":")[0]
        if kind == "md5sums":
            self._hint(info, name, entry, data)
        elif kind == "list":
            for line in BytesIO(self._collector.text(entry, data)):
                path = line.strip().decode("utf-8", "replace")
                self._collector.own(owned(path, name, f"{root}/status"))

    def _hint(self, info: dict[str, str], name: str, entry: Entry, data: BinaryIO) -> None:
        # The digest is a name that upstream's reports carry, not a protection.
        digest = hashlib.md5(self._collector.text(entry, data), usedforsecurity=False).hexdigest()
        if self._hints.take(name, digest):
            info[name] = digest
        else:
            self._collector.note(NoteKind.TOO_MANY, entry.path, "more lists of files than are read")

    def _hold(self, entry: Entry, data: BinaryIO) -> None:
        """Keep a status file until it is known whether it is dpkg's; all together have a bound."""
        former = self._status.pop(entry.path, None)
        content = self._collector.text(entry, data)
        if former is not None:
            self._held.give(entry.path, former)
        if len(self._status) < _MAX_DATABASES and self._held.take(entry.path, content):
            self._status[entry.path] = content
        else:
            detail = "the status files of the layer are too many, or too large together"
            self._collector.note(NoteKind.TOO_MANY, entry.path, detail)

    def finish(self) -> Finds:
        """The installed packages of every database of the layer."""
        for path, content in sorted(self._status.items()):
            root = path.rpartition("/")[0]
            if path == _DEFAULT_STATUS or root in self._infos:
                self._database(path, self._infos.get(root, {}), content)
        return self._collector.finds()

    def _database(self, path: str, hints: Mapping[str, str], content: bytes) -> None:
        self._collector.database(path)
        # One more than may be kept, so that the collector tells of the rest.
        found = list(islice(self._installed(path, content), self._limits.packages + 1))
        for package in sorted(found, key=lambda p: (p.name, p.version, p.arch)):
            hint = hints.get(package.name, "")
            if not self._collector.add(path, replace(package, repository_hint=hint)):
                return

    def _installed(self, path: str, content: bytes) -> Iterator[Package]:
        for stanza in deb822.stanzas(content, _FIELDS):
            if b"" in stanza:
                self._collector.note(NoteKind.MALFORMED, path, f"line that is no field: {stanza[b''][:80]!r}")
            words = stanza.get(b"status", "").split()
            if any(field in stanza for field in _VCPKG) and not _complete(stanza):
                self._collector.note(NoteKind.UNSUPPORTED, path, "a vcpkg database")
                return
            if "ok" not in words or "installed" not in words:
                continue
            if _complete(stanza):
                yield _package(stanza, path)
            else:
                detail = f"stanza {stanza.get(b'package', '')!r} lacks Package, Version or Architecture"
                self._collector.note(NoteKind.MALFORMED, path, detail)


class DpkgDetector:
    """Reads `status` files that have an `info` directory beside them."""

    name = "dpkg"
    version = "7.1"  # upstream's, and our changes since
    kind = "package"
    reads_text = True

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True for status files, and for the lists of files (and dpkg's own format) below `info`."""
        return path.endswith("/status") or ("/info/" in path and path.endswith(_INFO))

    def start(self, limits: Limits) -> _StatusRun:
        """A fresh run for one layer."""
        return _StatusRun(limits)


class _DistrolessRun:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """One file of `status.d` holds one package, or the list of its files."""
        content = self._collector.text(entry, data)
        if entry.path.endswith(".md5sums"):
            package_db = entry.path.removesuffix(".md5sums")
            name = package_db.rpartition("/")[2]
            for line in BytesIO(content):
                file = line.partition(b" ")[2].strip().decode("utf-8", "replace")
                self._collector.own(owned(file, name, package_db))
            return
        self._collector.begin(entry.path)
        self._collector.database(entry.path)
        for stanza in deb822.stanzas(content, _FIELDS):
            if _complete(stanza):
                found = _package(stanza, entry.path)
                self._collector.add(entry.path, replace(found, filepath=entry.path))
            else:
                self._collector.note(NoteKind.MALFORMED, entry.path, "lacks Package, Version or Architecture")

    def finish(self) -> Finds:
        """The packages of the layer's `status.d` directories."""
        return self._collector.finds()


class DistrolessDetector:
    """Reads `status.d` directories, which distroless images have instead of one status file."""

    name = "dpkg-distroless"
    version = "1.1"
    kind = "package"
    reads_text = True

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True for files directly in a `status.d` directory."""
        return path.rpartition("/")[0].rpartition("/")[2] == "status.d"

    def start(self, limits: Limits) -> _DistrolessRun:
        """A fresh run for one layer."""
        return _DistrolessRun(limits)


def _codename(values: Mapping[str, str]) -> str:
    found = _CODENAME.search(values.get("VERSION", ""))
    return values.get("VERSION_CODENAME") or (found[1].lower() if found else "")


def read_debian(files: Mapping[str, str]) -> Distribution | None:
    """Debian from os-release; testing and sid have no number, and so no feed."""
    values = osrelease.release(files)
    if values.get("ID") != "debian":
        return None
    number, codename = values.get("VERSION_ID", ""), _codename(values)
    version = f"{number} ({codename})" if number else codename
    return Distribution(
        did="debian",
        name="Debian GNU/Linux",
        version=version,
        version_code_name=codename,
        version_id=number,
        pretty_name=f"Debian GNU/Linux {version}",
    )


def read_ubuntu(files: Mapping[str, str]) -> Distribution | None:
    """Ubuntu from lsb-release, then os-release; number and code name are both needed."""
    lsb = osrelease.parse(files.get(_LSB, ""))
    values = osrelease.release(files)
    if lsb.get("DISTRIB_ID", "").lower() == "ubuntu":
        number, codename = lsb.get("DISTRIB_RELEASE", ""), lsb.get("DISTRIB_CODENAME", "")
    elif values.get("ID") == "ubuntu":
        number, codename = values.get("VERSION_ID", ""), _codename(values)
    else:
        return None
    if not number or not codename:
        return None
    return Distribution(
        did="ubuntu",
        name="Ubuntu",
        version=f"{number} ({codename.title()})",
        version_code_name=codename,
        version_id=number,
        pretty_name=f"Ubuntu {number}",
    )


DETECTORS = (
    DpkgDetector(),
    DistrolessDetector(),
    osrelease.DistributionDetector("debian", "3", read_debian),
    osrelease.DistributionDetector("ubuntu", "3", read_ubuntu, extra=(_LSB,)),
)
