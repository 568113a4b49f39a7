"""Finds the crates of Rust executables built by cargo-auditable.

The list stands zlib-compressed in a section `.dep-v0` of ELF and PE files.
"""

from __future__ import annotations

import zlib
from typing import BinaryIO, Final

import msgspec

from pyrox.scan.formats import locktoml
from pyrox.scan.formats.executable import NotExecutable, at, headers
from pyrox.scan.formats.run import Collector
from pyrox.scan.locks import Ecosystem, LockDetector
from pyrox.scan.model import Finds, NoteKind, Package, Repository
from pyrox.scan.protocols import Entry, Limits

ECOSYSTEM: Final = "cargo"
REPOSITORY: Final = Repository(name="crates.io")
_SECTION: Final = b".dep-v0"
_MAX_LIST: Final = 8_000_000  # cargo-auditable's own reader stops there too
_EXECUTABLE: Final = 0o111


class _Crate(msgspec.Struct):
    name: str = ""
    version: str = ""
    kind: str = "runtime"


class _List(msgspec.Struct):
    packages: list[_Crate] = []


_DECODER: Final = msgspec.json.Decoder(_List)


def _list(data: BinaryIO) -> _List | None:
    """The list of crates, None for an executable without one."""
    try:
        section = next((part for part in headers(data).parts if part.name == _SECTION), None)
        packed = at(data, section.offset, min(section.size, _MAX_LIST)) if section else b""
    except NotExecutable:
        return None
    return _DECODER.decode(zlib.decompressobj().decompress(packed, _MAX_LIST)) if section else None


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one executable; most hold no list, which is no note."""
        self._collector.begin(entry.path)
        try:
            found = _list(data)
        except (zlib.error, msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            self._collector.note(NoteKind.MALFORMED, entry.path, f"list of crates: {error}"[:200])
            return
        for crate in found.packages if found else ():
            if crate.kind == "build" or not crate.name:
                continue
            package = Package(
                name=crate.name,
                version=crate.version,
                ecosystem=ECOSYSTEM,
                package_db=f"cargo:{entry.path}",
                filepath=entry.path,
                repository=REPOSITORY.name,
            )
            if not self._collector.add(entry.path, package):
                return

    def finish(self) -> Finds:
        """The crates of the layer's executables."""
        return self._collector.finds(REPOSITORY)


class CargoDetector:
    """Reads executables that carry their list of crates."""

    name = "cargo"
    version = "1"
    kind = "package"
    reads_text = False

    def wants(self, path: str, mode: int) -> bool:
        """True for files that may be run, and for shared libraries, which wheels ship."""
        return bool(mode & _EXECUTABLE) or path.endswith((".so", ".dll", ".exe"))

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (
    CargoDetector(),
    LockDetector(
        "cargo-lock",
        "1",
        Ecosystem(ECOSYSTEM, "cargo", REPOSITORY),
        {"Cargo.lock": locktoml.cargo},
    ),
)
