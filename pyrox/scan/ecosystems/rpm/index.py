"""Finds rpm packages with the files they own; the distributions are in `distributions`.

Indexer and Compliance run these detectors; advisories are unknown here.
"""

from __future__ import annotations

import re
from typing import BinaryIO, Final

from pyrox.scan.ecosystems.rpm import content
from pyrox.scan.ecosystems.rpm.distributions import RELEASE_FILES, RHEL_FILES, read_other, read_rhel
from pyrox.scan.formats import osrelease, rpmdb, rpmheader
from pyrox.scan.formats.run import Collector
from pyrox.scan.model import Finds, NoteKind, Package
from pyrox.scan.ownership import owned
from pyrox.scan.protocols import Entry, Limits

ECOSYSTEM: Final = "rpm"
_NAMES: Final = ("Packages", "Packages.db", "rpmdb.sqlite")
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
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one database; a file of that name that is none is no note."""
        self._collector.begin(entry.path)
        kind = rpmdb.prefix(data.read(rpmdb.HEAD))
        if not kind:
            return
        package_db = f"{kind}:{entry.path.rpartition('/')[0]}"
        self._collector.database(package_db)
        try:
            for blob in rpmdb.blobs(data):
                if not self._package(entry.path, package_db, blob):
                    return
        except rpmdb.BrokenDatabase as error:
            self._collector.note(NoteKind.MALFORMED, entry.path, str(error)[:200])

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
        return self._collector.finds()


class RpmDetector:
    """Reads rpm databases wherever they stand."""

    name = "rpm"
    version = "10.1"  # upstream's, and our changes since
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
