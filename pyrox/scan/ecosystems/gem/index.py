"""Finds installed Ruby gems by their specifications."""

from __future__ import annotations

import re
from typing import BinaryIO, Final

from pyrox.scan.formats import locktext
from pyrox.scan.formats.run import Collector
from pyrox.scan.locks import Ecosystem, LockDetector
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
# What RubyGems itself lists a gem by: the second line of every specification that it writes.
_STUB: Final = re.compile(rb"^# stub: (\S{1,1024}) (\S{1,1024}) \S", re.MULTILINE)


def _name_and_version(content: bytes) -> tuple[str, str]:
    """From the stub line, else from assignments of plain texts; Ruby itself is never run."""
    stub = _STUB.search(content)
    if stub:
        return stub[1].decode("utf-8", "replace"), stub[2].decode("utf-8", "replace")
    values: dict[bytes, str] = {}
    for found in _FIELD.finditer(content):
        values.setdefault(found[1], found[3].decode("utf-8", "replace"))
    return values.get(b"name", ""), values.get(b"version", "")


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read name and version of one gem."""
        self._collector.begin(entry.path)
        name, version = _name_and_version(self._collector.text(entry, data))
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
    version = "4"
    kind = "package"
    reads_text = True

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True for installed specifications."""
        return path.endswith(".gemspec") and bool(_SPECIFICATION.fullmatch(path))

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (
    GemDetector(),
    LockDetector(
        "ruby-lock",
        "1",
        Ecosystem(ECOSYSTEM, "ruby", REPOSITORY),
        {"Gemfile.lock": locktext.bundler, "gems.locked": locktext.bundler},
    ),
)
