"""Finds rpm packages with the files they own; the distributions are in `distributions`.

Indexer and Compliance run these detectors; advisories are unknown here.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from typing import BinaryIO, Final, cast

from pyrox.scan.ecosystems.rpm import content
from pyrox.scan.ecosystems.rpm.distributions import RELEASE_FILES, RHEL_FILES, read_other, read_rhel
from pyrox.scan.formats import osrelease, rpmdb, rpmheader, sqlitefile
from pyrox.scan.formats.run import Collector
from pyrox.scan.model import Finds, NoteKind, Package
from pyrox.scan.ownership import owned
from pyrox.scan.protocols import Entry, Limits

ECOSYSTEM: Final = "rpm"
_LOG: Final = "-wal"  # what SQLite appends to the name of its database
_NAMES: Final = ("Packages", "Packages.db", "rpmdb.sqlite", f"rpmdb.sqlite{_LOG}")
_MOST_WAITING: Final = 16
_KEYS: Final = "gpg-pubkey"  # rpm keeps imported keys as if they were packages
_SHA256: Final = 8  # OpenPGP's number of the algorithm
_SOURCE: Final = re.compile(r"(?P<name>.+)-(?P<version>[^-]+-[^-]+)\.(?:no)?src\.rpm")


def package_of(header: rpmheader.Header, package_db: str) -> Package:
    """The package that a header describes, in upstream's words."""
    epoch = next(iter(header.numbers(rpmheader.EPOCH)), 0)
    evr = f"{header.text(rpmheader.VERSION)}-{header.text(rpmheader.RELEASE)}"
    source = _SOURCE.fullmatch(header.text(rpmheader.SOURCE_RPM))
    module = ":".join(header.text(rpmheader.MODULARITY).split(":", 2)[:2])
    return Package(
        name=header.text(rpmheader.NAME),
        version=f"{epoch}:{evr}" if epoch else evr,
        ecosystem=ECOSYSTEM,
        package_db=package_db,
        arch=header.text(rpmheader.ARCH),
        module=module,
        repository_hint=_hint(header),
        source_name=source["name"] if source else "",
        source_version=source["version"] if source else "",
        source_module=module if source else "",
    )


def _hint(header: rpmheader.Header) -> str:
    """Digest of the payload and id of the key that signed it, as upstream's hint has them."""
    digest = header.text(rpmheader.PAYLOAD_DIGEST)
    known = header.numbers(rpmheader.PAYLOAD_ALGORITHM)[:1] == (_SHA256,)
    parts = [f"hash=sha256:{digest}"] if digest and known else []
    key = header.key_id()
    return "&".join([*parts, f"key={key}"] if key else parts)


class _Run:
    """Databases that write ahead wait, as copies on the disk, for the log that may stand beside them."""

    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)
        self._waiting: dict[str, BinaryIO] = {}
        self._logs: dict[str, BinaryIO] = {}

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one database; a file of that name that is none is no note."""
        if entry.path.endswith(_LOG):
            if entry.size:
                self._keep(self._logs, entry.path.removesuffix(_LOG), data)
            return
        self._collector.begin(entry.path)
        _drop(self._waiting, entry.path)
        head = data.read(rpmdb.HEAD)
        kind = rpmdb.prefix(head)
        if not kind:
            return
        self._collector.database(_database(kind, entry.path))
        if not sqlitefile.logs(head) or not self._keep(self._waiting, entry.path, data):
            self._read(entry.path, kind, data, None)

    def _keep(self, kept: dict[str, BinaryIO], path: str, data: BinaryIO) -> bool:
        """Copy a file for the end of the layer; False when too many are kept."""
        _drop(kept, path)
        if len(kept) >= _MOST_WAITING:
            self._collector.note(NoteKind.TOO_MANY, path, f"more than {_MOST_WAITING} databases with logs")
            return False
        data.seek(0)
        kept[path] = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - closed in `finish`
        shutil.copyfileobj(data, kept[path], 1 << 20)
        return True

    def _read(self, path: str, kind: str, data: BinaryIO, log: BinaryIO | None) -> None:
        count = 0
        try:
            for count, blob in enumerate(rpmdb.blobs(data, log), 1):  # noqa: B007 - asked for below
                if not self._package(path, _database(kind, path), blob):
                    return
        except rpmdb.BrokenDatabase as error:
            self._collector.note(NoteKind.MALFORMED, path, str(error)[:200])
            if log is not None and not count:
                # A log that lies costs what is in it only.
                self._read(path, kind, data, None)

    def _package(self, path: str, package_db: str, blob: bytes) -> bool:
        try:
            header = rpmheader.parse(blob)
        except rpmheader.BrokenHeader as error:
            self._collector.note(NoteKind.MALFORMED, path, str(error)[:200])
            return True
        package = package_of(header, package_db)
        if package.name == _KEYS:
            return True
        if not package.name or package.version.startswith("-"):
            self._collector.note(NoteKind.MALFORMED, path, "header without name or version")
            return True
        for file in header.files():
            if not self._collector.own(owned(file, package.name, package_db)):
                break
        return self._collector.add(path, package)

    def finish(self) -> Finds:
        """The packages of the layer's databases."""
        for path, data in self._waiting.items():
            self._read(path, "sqlite", data, self._logs.get(path))
        for path in self._logs.keys() - self._waiting.keys():
            detail = "its database is not in this layer, or does not write ahead; the log is not read"
            self._collector.note(NoteKind.UNSUPPORTED, path + _LOG, detail)
        for kept in (self._waiting, self._logs):
            for path in list(kept):
                _drop(kept, path)
        return self._collector.finds()


def _database(kind: str, path: str) -> str:
    return f"{kind}:{path.rpartition('/')[0]}"


def _drop(kept: dict[str, BinaryIO], path: str) -> None:
    if path in kept:
        kept.pop(path).close()


class RpmDetector:
    """Reads rpm databases wherever they stand."""

    name = "rpm"
    version = "10.2"  # upstream's, and our changes since
    kind = "package"
    reads_text = False

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True by the database's file name."""
        return path.endswith(_NAMES) and path.rpartition("/")[2] in _NAMES

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (
    RpmDetector(),
    osrelease.DistributionDetector("rhel", "3.1", read_rhel, extra=RHEL_FILES),
    osrelease.DistributionDetector("os-release", "2", read_other, extra=RELEASE_FILES),
    *content.DETECTORS,
)
