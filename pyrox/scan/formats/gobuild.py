"""Reads the build information that the Go linker leaves in ELF and PE executables.

`pyrox.scan.ecosystems.go` calls it. Two layouts exist: since Go 1.18 the texts stand behind
the header, before that it holds pointers to them (Go's debug/buildinfo). Offsets and sizes
of the file are not trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Final

MAGIC: Final = b"\xff Go buildinf:"
_START: Final = 64  # the header of a 64-bit ELF file, and the part of DOS's that points to PE's
_HEADER: Final = 32
_ALIGN: Final = 16
_SEARCH: Final = 1 << 20  # the header stands at the beginning of its section
_MAX_TEXT: Final = 16_000_000
_MAX_SECTIONS: Final = 4096
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


class NoBuildInfo(ValueError):
    """The file is no executable, or not one that Go built."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the file and the address at which it is loaded."""

    name: bytes
    address: int
    offset: int
    size: int


def read(data: BinaryIO) -> BuildInfo:
    """The build information.

    Raises:
        NoBuildInfo: there is none, or the file is damaged.
    """
    start = _at(data, 0, _START)
    if len(start) < _START:
        raise NoBuildInfo("too short for an executable")
    if start.startswith(b"\x7fELF"):
        parts, loaded = _elf(data, start)
    elif start.startswith(b"MZ"):
        parts = loaded = _pe(data, start)
    else:
        raise NoBuildInfo("neither ELF nor PE")
    for part in _candidates(parts):
        content = _at(data, part.offset, min(part.size, _SEARCH))
        position = _find(content)
        if position >= 0:
            return _parse(data, part.offset + position, loaded)
    raise NoBuildInfo("no build information of Go")


def _candidates(parts: list[_Part]) -> list[_Part]:
    """The section of that name, else those that hold a program's data."""
    named = [part for part in parts if part.name == b".go.buildinfo"]
    return named or [part for part in parts if part.name in {b".data", b""}]


def _at(data: BinaryIO, offset: int, size: int) -> bytes:
    if offset < 0 or offset > 1 << 40:
        raise NoBuildInfo("offset outside of the file")
    data.seek(offset)
    return data.read(size)


def _find(content: bytes) -> int:
    position = content.find(MAGIC)
    while position >= 0 and position % _ALIGN:
        position = content.find(MAGIC, position + 1)
    return position


def _elf(data: BinaryIO, start: bytes) -> tuple[list[_Part], list[_Part]]:
    """Sections to search, and segments by which addresses become offsets."""
    wide = start[4] == 2
    order = _order(start[5] == 2)
    kind = _int(start, 16, 2, order)
    if kind not in {2, 3}:  # ET_EXEC, ET_DYN
        raise NoBuildInfo("not an executable")
    word = 8 if wide else 4
    at = 24 + word
    segments_at, sections_at = (_int(start, at + i * word, word, order) for i in range(2))
    at += 2 * word + 6
    sizes = [_int(start, at + i * 2, 2, order) for i in range(5)]
    segments = _table(data, segments_at, sizes[0], sizes[1])
    sections = _table(data, sections_at, sizes[2], sizes[3])
    loaded = [_segment(entry, wide, order) for entry in segments if _int(entry, 0, 4, order) == 1]
    return _sections(data, sections, sizes[4], wide, order) or loaded, loaded


def _order(big: bool) -> str:
    return "big" if big else "little"


def _int(data: bytes, at: int, size: int, order: str) -> int:
    return int.from_bytes(data[at : at + size], "big" if order == "big" else "little")


def _table(data: BinaryIO, offset: int, size: int, count: int) -> list[bytes]:
    if not offset or not 32 <= size <= 256 or count > _MAX_SECTIONS:
        return []
    content = _at(data, offset, size * count)
    return [content[i : i + size] for i in range(0, len(content) - size + 1, size)]


def _segment(entry: bytes, wide: bool, order: str) -> _Part:
    if wide:
        return _Part(b"", _int(entry, 16, 8, order), _int(entry, 8, 8, order), _int(entry, 32, 8, order))
    return _Part(b"", _int(entry, 8, 4, order), _int(entry, 4, 4, order), _int(entry, 16, 4, order))


def _sections(data: BinaryIO, entries: list[bytes], names_at: int, wide: bool, order: str) -> list[_Part]:
    word = 8 if wide else 4
    plain = [
        (
            _int(entry, 0, 4, order),
            _int(entry, 8 + word, word, order),
            _int(entry, 8 + 2 * word, word, order),
            _int(entry, 8 + 3 * word, word, order),
        )
        for entry in entries
    ]
    if names_at >= len(plain):
        return []
    names = _at(data, plain[names_at][2], min(plain[names_at][3], _SEARCH))
    return [
        _Part(names[name:].split(b"\x00", 1)[0], address, offset, size)
        for name, address, offset, size in plain
    ]


def _pe(data: BinaryIO, start: bytes) -> list[_Part]:
    header = _int(start, 60, 4, "little")
    coff = _at(data, header, 24)
    if not coff.startswith(b"PE\x00\x00"):
        raise NoBuildInfo("not a PE executable")
    count, optional = _int(coff, 6, 2, "little"), _int(coff, 20, 2, "little")
    base_at = _at(data, header + 24, 32)
    wide = _int(base_at, 0, 2, "little") == 0x20B
    base = _int(base_at, 24, 8, "little") if wide else _int(base_at, 28, 4, "little")
    return [
        _Part(
            entry[:8].rstrip(b"\x00"),
            base + _int(entry, 12, 4, "little"),
            _int(entry, 20, 4, "little"),
            _int(entry, 16, 4, "little"),
        )
        for entry in _table(data, header + 24 + optional, 40, count)
    ]


def _parse(data: BinaryIO, offset: int, loaded: list[_Part]) -> BuildInfo:
    header = _at(data, offset, _HEADER)
    if len(header) < _HEADER:
        raise NoBuildInfo("build information that ends early")
    pointer, flags = header[14], header[15]
    if flags & 2:
        version, after = _inline(data, offset + _HEADER)
        modules, _ = _inline(data, after)
    elif pointer in {4, 8}:
        order = _order(bool(flags & 1))
        version = _string(data, _int(header, 16, pointer, order), pointer, order, loaded)
        modules = _string(data, _int(header, 16 + pointer, pointer, order), pointer, order, loaded)
    else:
        raise NoBuildInfo("build information of an unknown form")
    if not version.startswith((b"go", b"devel")):
        raise NoBuildInfo("build information without a version of Go")
    return _modules(version.decode("utf-8", "replace"), modules)


def _inline(data: BinaryIO, offset: int) -> tuple[bytes, int]:
    """A text after its length in seven-bit groups, and where the next one begins."""
    head = _at(data, offset, 10)
    length = shift = used = 0
    for byte in head:
        length |= (byte & 0x7F) << shift
        shift += 7
        used += 1
        if not byte & 0x80:
            break
    if length > _MAX_TEXT:
        raise NoBuildInfo("build information too large")
    return _at(data, offset + used, length), offset + used + length


def _string(data: BinaryIO, address: int, pointer: int, order: str, loaded: list[_Part]) -> bytes:
    """The text whose Go header (pointer and length) stands at the address."""
    header = _loaded(data, address, 2 * pointer, loaded)
    length = _int(header, pointer, pointer, order)
    if length > _MAX_TEXT:
        raise NoBuildInfo("build information too large")
    return _loaded(data, _int(header, 0, pointer, order), length, loaded)


def _loaded(data: BinaryIO, address: int, size: int, loaded: list[_Part]) -> bytes:
    for part in loaded:
        if part.address <= address < part.address + part.size:
            return _at(data, part.offset + address - part.address, size)
    return b""


def _modules(go_version: str, text: bytes) -> BuildInfo:
    if len(text) >= 2 * _FRAME + 1 and text[-_FRAME - 1 : -_FRAME] == b"\n":
        text = text[_FRAME:-_FRAME]
    main: Module | None = None
    modules: list[Module] = []
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
    return BuildInfo(go_version, main, tuple(modules))
