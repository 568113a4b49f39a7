"""Finds installed Ruby gems by their specifications."""

from __future__ import annotations

import re
from typing import BinaryIO, Final

from pyrox.scan.formats.run import Collector
from pyrox.scan.model import Finds, NoteKind, Package, Repository
from pyrox.scan.protocols import Entry, Limits

ECOSYSTEM: Final = "gem"
REPOSITORY: Final = Repository(name="rubygems")
_SPECIFICATION: Final = re.compile(r"(?:.*/)?specifications/.+\.gemspec")
# No part gives back what it took, so that a hostile file costs its length and not the square of it.
_FIELD: Final = re.compile(
    rb"^[ \t]*+[a-zA-Z_]\w*+\.(name|version)\s*+=\s*+(?:Gem::Version\.new\s*+\(?+\s*+)?+"
    rb"([\"'])([^\"'\n]{1,1024})\2",
    re.MULTILINE,
)


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read name and version where they are plain texts; Ruby itself is never run."""
        self._collector.begin(entry.path)
        values: dict[bytes, str] = {}
        for found in _FIELD.finditer(self._collector.text(entry, data)):
            values.setdefault(found[1], found[3].decode("utf-8", "replace"))
        name, version = values.get(b"name", ""), values.get(b"version", "")
        if not name or not version:
            self._collector.note(NoteKind.MALFORMED, entry.path, "name or version is not a plain text")
            return
        package = Package(
            name=name,
            version=version,
            ecosystem=ECOSYSTEM,
            package_db=f"ruby:{entry.path}",
            filepath=entry.path,
            repository=REPOSITORY.name,
        )
        self._collector.add(entry.path, package)

    def finish(self) -> Finds:
        """The gems of the layer."""
        return self._collector.finds(REPOSITORY)


class GemDetector:
    """Reads gemspec files below a specifications directory."""

    name = "ruby"
    version = "3"
    kind = "package"
    reads_text = True

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True for installed specifications."""
        return path.endswith(".gemspec") and bool(_SPECIFICATION.fullmatch(path))

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (GemDetector(),)
