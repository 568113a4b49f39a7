"""The sections of ELF and PE executables, and the addresses at which they are loaded.

Readers of what compilers leave in executables use it (`gobuild`, `auditable`). Offsets and
sizes of the file are not trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Final

_START: Final = 64  # the header of a 64-bit ELF file, and the part of DOS's that points to PE's
_NAMES: Final = 1 << 20
_MAX_NAME: Final = 64  # of a section; names may overlap, so their sum is no bound
_MAX_SECTIONS: Final = 4096


class NotExecutable(ValueError):
    """The file is no executable, or its headers are damaged."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the file and the address at which it is loaded."""

    name: bytes
    address: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Executable:
    """Sections (segments, when there are none), and the parts that are loaded into memory."""

    parts: tuple[Part, ...]
    loaded: tuple[Part, ...]


def headers(data: BinaryIO) -> Executable:
    """The executable's layout.

    Raises:
        NotExecutable: it is neither ELF nor PE, or damaged.
    """
    start = at(data, 0, _START)
    if len(start) < _START:
        raise NotExecutable("too short for an executable")
    if start.startswith(b"\x7fELF"):
        return _elf(data, start)
    if start.startswith(b"MZ"):
        sections = tuple(_pe(data, start))
        return Executable(sections, sections)
    raise NotExecutable("neither ELF nor PE")


def at(data: BinaryIO, offset: int, size: int) -> bytes:
    """The bytes at an offset, fewer at the file's end."""
    if offset < 0 or offset > 1 << 40:
        raise NotExecutable("offset outside of the file")
    data.seek(offset)
    return data.read(size)


def _elf(data: BinaryIO, start: bytes) -> Executable:
    """Sections to search, and segments by which addresses become offsets."""
    wide = start[4] == 2
    order = _endian(start[5] == 2)
    kind = number(start, 16, 2, order)
    if kind not in {2, 3}:  # ET_EXEC, ET_DYN
        raise NotExecutable("not an executable")
    word = 8 if wide else 4
    at = 24 + word
    segments_at, sections_at = (number(start, at + i * word, word, order) for i in range(2))
    at += 2 * word + 6
    sizes = [number(start, at + i * 2, 2, order) for i in range(5)]
    segments = _table(data, segments_at, sizes[0], sizes[1])
    sections = _table(data, sections_at, sizes[2], sizes[3])
    loaded = [_segment(entry, wide, order) for entry in segments if number(entry, 0, 4, order) == 1]
    parts = _sections(data, sections, sizes[4], wide, order) or loaded
    return Executable(tuple(parts), tuple(loaded))


def _endian(big: bool) -> str:
    return "big" if big else "little"


def number(data: bytes, start: int, size: int, order: str) -> int:
    """An unsigned number of the file's byte order (`little` or `big`)."""
    return int.from_bytes(data[start : start + size], "big" if order == "big" else "little")


def _table(data: BinaryIO, offset: int, size: int, count: int) -> list[bytes]:
    if not offset or not 32 <= size <= 256 or count > _MAX_SECTIONS:
        return []
    content = at(data, offset, size * count)
    return [content[i : i + size] for i in range(0, len(content) - size + 1, size)]


def _segment(entry: bytes, wide: bool, order: str) -> Part:
    if wide:
        return Part(b"", number(entry, 16, 8, order), number(entry, 8, 8, order), number(entry, 32, 8, order))
    return Part(b"", number(entry, 8, 4, order), number(entry, 4, 4, order), number(entry, 16, 4, order))


def _sections(data: BinaryIO, entries: list[bytes], names_at: int, wide: bool, order: str) -> list[Part]:
    word = 8 if wide else 4
    plain = [
        (
            number(entry, 0, 4, order),
            number(entry, 8 + word, word, order),
            number(entry, 8 + 2 * word, word, order),
            number(entry, 8 + 3 * word, word, order),
        )
        for entry in entries
    ]
    if names_at >= len(plain):
        return []
    names = at(data, plain[names_at][2], min(plain[names_at][3], _NAMES))
    return [
        Part(names[name : name + _MAX_NAME].split(b"\x00", 1)[0], address, offset, size)
        for name, address, offset, size in plain
    ]


def _pe(data: BinaryIO, start: bytes) -> list[Part]:
    header = number(start, 60, 4, "little")
    coff = at(data, header, 24)
    if not coff.startswith(b"PE\x00\x00"):
        raise NotExecutable("not a PE executable")
    count, optional = number(coff, 6, 2, "little"), number(coff, 20, 2, "little")
    base_at = at(data, header + 24, 32)
    wide = number(base_at, 0, 2, "little") == 0x20B
    base = number(base_at, 24, 8, "little") if wide else number(base_at, 28, 4, "little")
    return [
        Part(
            entry[:8].rstrip(b"\x00"),
            base + number(entry, 12, 4, "little"),
            number(entry, 20, 4, "little"),
            number(entry, 16, 4, "little"),
        )
        for entry in _table(data, header + 24 + optional, 40, count)
    ]
