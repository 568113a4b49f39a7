"""Reads the build information that the Go linker leaves in ELF and PE executables.

`pyrox.scan.ecosystems.go` calls it. Two layouts exist: since Go 1.18 the texts stand behind
the header, before that it holds pointers to them (Go's debug/buildinfo). Offsets and sizes
of the file are not trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from pyrox.scan.formats.executable import NotExecutable, Part, at, headers, number

MAGIC: Final = b"\xff Go buildinf:"
_HEADER: Final = 32
_ALIGN: Final = 16
_SEARCH: Final = 1 << 20  # at once; Go's own reader takes as much
_MAX_SEARCH: Final = 64 << 20  # of one section: with cgo the header may stand anywhere in the data
_MAX_CANDIDATES: Final = 16  # compilers write one or two; sections may overlap, so their sum is no bound
_MAX_TEXT: Final = 16_000_000
_MAX_SETTINGS: Final = 1000
_FRAME: Final = 16  # the module text stands between two marks of this length


@dataclass(frozen=True, slots=True)
class Module:
    """A module path with its version, replacements applied."""

    path: str
    version: str


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """The toolchain's version (`go1.22.1`), the main module, and all others."""

    go_version: str
    main: Module | None
    modules: tuple[Module, ...]
    settings: tuple[tuple[str, str], ...] = ()
    """How it was built: flags, and what version control knew (`vcs.revision` …), in file order."""


class NoBuildInfo(ValueError):
    """The file is no executable, or not one that Go built."""


def read(data: BinaryIO) -> BuildInfo:
    """The build information.

    Raises:
        NoBuildInfo: there is none, or the file is damaged.
    """
    try:
        return _search(data)
    except NotExecutable as error:
        raise NoBuildInfo(str(error)) from error


def _search(data: BinaryIO) -> BuildInfo:
    program = headers(data)
    for part in _candidates(program.parts):
        position = _find(data, part)
        if position is not None:
            return _parse(data, position, program.loaded)
    raise NoBuildInfo("no build information of Go")


def _candidates(parts: Sequence[Part]) -> Sequence[Part]:
    """The section of that name, else those that hold a program's data."""
    named = [part for part in parts if part.name == b".go.buildinfo"]
    return (named or [part for part in parts if part.name in {b".data", b""}])[:_MAX_CANDIDATES]


def _find(data: BinaryIO, part: Part) -> int | None:
    """Where in the file the header stands: at a multiple of 16 from its section's beginning."""
    end = min(part.size, _MAX_SEARCH)
    for start in range(0, end, _SEARCH):
        # The mark stands at a multiple of its alignment, so it never lies across two pieces.
        content = at(data, part.offset + start, min(_SEARCH, end - start))
        position = content.find(MAGIC)
        while position >= 0 and position % _ALIGN:
            position = content.find(MAGIC, position + 1)
        if position >= 0:
            return part.offset + start + position
        if len(content) < _SEARCH:
            break
    return None


def _parse(data: BinaryIO, offset: int, loaded: Sequence[Part]) -> BuildInfo:
    header = at(data, offset, _HEADER)
    if len(header) < _HEADER:
        raise NoBuildInfo("build information that ends early")
    pointer, flags = header[14], header[15]
    if flags & 2:
        version, after = _inline(data, offset + _HEADER)
        modules, _ = _inline(data, after)
    elif pointer in {4, 8}:
        order = "big" if flags & 1 else "little"
        version = _string(data, number(header, 16, pointer, order), pointer, order, loaded)
        modules = _string(data, number(header, 16 + pointer, pointer, order), pointer, order, loaded)
    else:
        raise NoBuildInfo("build information of an unknown form")
    if not version.startswith((b"go", b"devel")):
        raise NoBuildInfo("build information without a version of Go")
    return _modules(version.decode("utf-8", "replace"), modules)


def _inline(data: BinaryIO, offset: int) -> tuple[bytes, int]:
    """A text after its length in seven-bit groups, and where the next one begins."""
    head = at(data, offset, 10)
    length = shift = used = 0
    for byte in head:
        length |= (byte & 0x7F) << shift
        shift += 7
        used += 1
        if not byte & 0x80:
            break
    if length > _MAX_TEXT:
        raise NoBuildInfo("build information too large")
    return at(data, offset + used, length), offset + used + length


def _string(data: BinaryIO, address: int, pointer: int, order: str, loaded: Sequence[Part]) -> bytes:
    """The text whose Go header (pointer and length) stands at the address."""
    header = _loaded(data, address, 2 * pointer, loaded)
    length = number(header, pointer, pointer, order)
    if length > _MAX_TEXT:
        raise NoBuildInfo("build information too large")
    return _loaded(data, number(header, 0, pointer, order), length, loaded)


def _loaded(data: BinaryIO, address: int, size: int, loaded: Sequence[Part]) -> bytes:
    for part in loaded:
        if part.address <= address < part.address + part.size:
            return at(data, part.offset + address - part.address, size)
    return b""


def _modules(go_version: str, text: bytes) -> BuildInfo:
    if len(text) >= 2 * _FRAME + 1 and text[-_FRAME - 1 : -_FRAME] == b"\n":
        text = text[_FRAME:-_FRAME]
    main: Module | None = None
    modules: list[Module] = []
    settings: list[tuple[str, str]] = []
    for line in text.decode("utf-8", "replace").splitlines():
        word, _, rest = line.partition("\t")
        path, _, more = rest.partition("\t")
        found = Module(path, more.partition("\t")[0])
        if word == "mod":
            main = found
        elif word == "dep":
            modules.append(found)
        elif word == "=>" and modules:
            modules[-1] = found
        elif word == "build" and len(settings) < _MAX_SETTINGS:
            key, _, value = rest.partition("=")
            settings.append((key, value))
    return BuildInfo(go_version, main, tuple(modules), tuple(settings))
