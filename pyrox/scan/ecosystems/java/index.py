"""Finds Java artifacts in archives; `pyrox.scan.formats.jar` reads them."""

from __future__ import annotations

from typing import BinaryIO, Final

from pyrox.scan.formats import locktext
from pyrox.scan.formats.jar import EXTENSIONS, MIN_SIZE, ArchiveProblem, JarReader
from pyrox.scan.formats.run import Collector
from pyrox.scan.locks import Ecosystem, LockDetector
from pyrox.scan.model import Finds, Package, Repository
from pyrox.scan.protocols import Entry, Limits

ECOSYSTEM: Final = "java"
REPOSITORY: Final = Repository(name="maven")


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one archive with everything that nests in it."""
        self._collector.begin(entry.path)
        if entry.size < MIN_SIZE:
            return
        for found in JarReader(self._limits).read(entry.path, data):
            if isinstance(found, ArchiveProblem):
                self._collector.note(found.kind, found.location, found.detail)
                continue
            package = Package(
                name=found.name,
                version=found.version,
                ecosystem=ECOSYSTEM,
                package_db=f"{found.stage}:{found.location}",
                filepath=entry.path,
                repository=REPOSITORY.name,
                repository_hint=f"sha1:{found.sha1}",
            )
            if not self._collector.add(entry.path, package):
                return

    def finish(self) -> Finds:
        """The artifacts of the layer."""
        return self._collector.finds(REPOSITORY)


class JavaDetector:
    """Reads jar, war, ear, jpi and hpi files."""

    name = "java"
    version = "9"
    kind = "package"
    reads_text = False

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True by the file's extension."""
        return path.endswith(EXTENSIONS)

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (
    JavaDetector(),
    LockDetector(
        "java-lock",
        "1",
        Ecosystem(ECOSYSTEM, "maven", REPOSITORY),
        {"gradle.lockfile": locktext.gradle},
    ),
)
