"""Finds PHP packages by the lists that Composer keeps of what it installed.

`installed.json` is the list; `installed.php`, which Composer 2 writes beside it for running
programs, counts where the other was removed to save room.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from pyrox.scan.formats import lockjson, phparray
from pyrox.scan.formats.run import Collector
from pyrox.scan.locks import Ecosystem, LockDetector
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


def _php_entries(content: bytes) -> Iterator[tuple[str, str]]:
    """The same from `installed.php`, without the application itself and what is only replaced."""
    root, versions = "", dict[str, str]()
    for keys, value in phparray.texts(content.decode("utf-8", "replace")):
        if keys == ("root", "name"):
            root = value
        elif len(keys) == 3 and keys[0] == "versions" and keys[2] == "pretty_version":
            versions[keys[1]] = value
    yield from ((name, version) for name, version in versions.items() if name != root)


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)
        self._lists: set[str] = set()

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one file."""
        self._collector.begin(entry.path)
        content = self._collector.text(entry, data)
        entries = _php_entries if entry.path.endswith(".php") else _entries
        try:
            found = list(entries(content))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            self._collector.note(NoteKind.MALFORMED, entry.path, str(error)[:200])
            return
        self._lists.add(entry.path)
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
        """The packages of the layer; the list in PHP only where it stands alone."""
        for path in self._lists:
            if path.endswith(".json"):
                self._collector.begin(f"{path.removesuffix('.json')}.php")
        return self._collector.finds(REPOSITORY)


class ComposerDetector:
    """Reads lists of installed packages."""

    name = "composer"
    version = "2"
    kind = "package"
    reads_text = True

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True by the file's name."""
        return path.endswith(("composer/installed.json", "composer/installed.php"))

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (
    ComposerDetector(),
    LockDetector(
        "composer-lock",
        "1",
        Ecosystem(ECOSYSTEM, "composer", REPOSITORY),
        {"composer.lock": lockjson.composer},
    ),
)
