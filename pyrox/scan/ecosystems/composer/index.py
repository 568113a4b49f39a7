"""Finds PHP packages by the list that Composer keeps of what it installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from pyrox.scan.formats.run import Collector
from pyrox.scan.model import Finds, NoteKind, Package, Repository
from pyrox.scan.protocols import Entry, Limits

ECOSYSTEM: Final = "composer"
REPOSITORY: Final = Repository(name="packagist")


class _Entry(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Installed(msgspec.Struct):
    packages: list[_Entry] = []


_DECODER: Final = msgspec.json.Decoder(_Installed | list[_Entry])


def _entries(content: bytes) -> Iterator[tuple[str, str]]:
    """Name and version of each package; Composer 1 wrote a bare list."""
    decoded = _DECODER.decode(content)
    for entry in decoded if isinstance(decoded, list) else decoded.packages:
        if entry.name and entry.version:
            yield entry.name, entry.version


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one file."""
        self._collector.begin(entry.path)
        content = self._collector.text(entry, data)
        try:
            found = list(_entries(content))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            self._collector.note(NoteKind.MALFORMED, entry.path, str(error)[:200])
            return
        for name, version in found:
            package = Package(
                name=name,
                version=version,
                ecosystem=ECOSYSTEM,
                package_db=f"composer:{entry.path}",
                filepath=entry.path,
                repository=REPOSITORY.name,
            )
            if not self._collector.add(entry.path, package):
                return

    def finish(self) -> Finds:
        """The packages of the layer."""
        return self._collector.finds(REPOSITORY)


class ComposerDetector:
    """Reads lists of installed packages."""

    name = "composer"
    version = "1"
    kind = "package"
    reads_text = True

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True by the file's name."""
        return path.endswith("composer/installed.json")

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (ComposerDetector(),)
