"""Finds .NET packages by the dependency files of published applications (`*.deps.json`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from pyrox.scan.formats.run import Collector
from pyrox.scan.model import Finds, NoteKind, Package, Repository
from pyrox.scan.protocols import Entry, Limits

ECOSYSTEM: Final = "nuget"
REPOSITORY: Final = Repository(name="nuget")


class _Library(msgspec.Struct):
    type: str = ""


class _Manifest(msgspec.Struct):
    libraries: dict[str, _Library] = {}

    def found(self) -> Iterator[tuple[str, str]]:
        """Name and version of each package; projects are the application's own."""
        for key, library in self.libraries.items():
            name, slash, version = key.rpartition("/")
            if slash and library.type == "package":
                yield name, version


_DECODER: Final = msgspec.json.Decoder(_Manifest)


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one file."""
        self._collector.begin(entry.path)
        content = self._collector.text(entry, data)
        try:
            found = list(_DECODER.decode(content).found())
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            self._collector.note(NoteKind.MALFORMED, entry.path, str(error)[:200])
            return
        for name, version in found:
            package = Package(
                name=name,
                version=version,
                ecosystem=ECOSYSTEM,
                package_db=f"nuget:{entry.path}",
                filepath=entry.path,
                repository=REPOSITORY.name,
            )
            if not self._collector.add(entry.path, package):
                return

    def finish(self) -> Finds:
        """The packages of the layer."""
        return self._collector.finds(REPOSITORY)


class NugetDetector:
    """Reads dependency files."""

    name = "nuget"
    version = "1"
    kind = "package"
    reads_text = True

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True by the file's name."""
        return path.endswith(".deps.json")

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (NugetDetector(),)
