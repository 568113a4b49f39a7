"""Finds .NET packages by the dependency files of applications and of shared frameworks (`*.deps.json`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from pyrox.scan.formats import lockjson
from pyrox.scan.formats.run import Collector
from pyrox.scan.locks import Ecosystem, LockDetector
from pyrox.scan.model import Finds, NoteKind, Package, Repository
from pyrox.scan.protocols import Entry, Limits

ECOSYSTEM: Final = "nuget"
REPOSITORY: Final = Repository(name="nuget")
_BOM: Final = b"\xef\xbb\xbf"


_RUNTIME_PACK: Final = "runtimepack."  # the frameworks that a self-contained application carries
_FRAMEWORK: Final = re.compile(
    r"(?:^|/)shared/(?P<name>Microsoft\.[^/]+\.App)/(?P<version>[^/]+)/(?P=name)\.deps\.json$"
)


class _Library(msgspec.Struct):
    type: str = ""


class _Manifest(msgspec.Struct):
    libraries: dict[str, _Library] = {}

    def found(self) -> Iterator[tuple[str, str]]:
        """Name and version of each package; projects are the application's own."""
        for key, library in self.libraries.items():
            name, slash, version = key.rpartition("/")
            if slash and library.type in {"package", "runtimepack"}:
                yield name.removeprefix(_RUNTIME_PACK), version


def _framework(path: str, found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The shared framework itself, by its directory, where its file names no package for it."""
    place = _FRAMEWORK.search(path)
    if place is None or any(name.startswith(place["name"]) for name, _ in found):
        return found
    return [*found, (place["name"], place["version"])]


_DECODER: Final = msgspec.json.Decoder(_Manifest)


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one file."""
        self._collector.begin(entry.path)
        content = self._collector.text(entry, data)
        try:
            found = _framework(entry.path, list(_DECODER.decode(content.removeprefix(_BOM)).found()))
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
    version = "2"
    kind = "package"
    reads_text = True

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True by the file's name."""
        return path.endswith(".deps.json")

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (
    NugetDetector(),
    LockDetector(
        "nuget-lock",
        "1",
        Ecosystem(ECOSYSTEM, "nuget", REPOSITORY),
        {"packages.lock.json": lockjson.nuget},
    ),
)
