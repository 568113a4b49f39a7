"""A forward-only reader of tar streams: ustar, PAX, GNU long names and sparse files.

`pyrox.scan.layer` calls it. It reads each header once, skips what nobody wants, keeps
nothing, and trusts no number of the stream. It does not know what the files mean.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from pyrox.scan.formats.bounded import Readable, StreamDamage
from pyrox.scan.model import NoteKind

BLOCK: Final = 512
_CHUNK: Final = 1 << 18
_MAX_EXTENDED: Final = 1 << 20  # bytes of one PAX or long-name record; paths have a bound of their own
_REGULAR: Final = (b"0", b"\x00", b"7")
_SPACES: Final = 8 * 32  # the checksum counts its own field as eight spaces
_MAX_HOLES: Final = 100_000
_OCTAL: Final = b"01234567"
# What is read of PAX records. Others are dropped at once: a global record of many keys
# would be copied for every member.
_KEYS: Final = frozenset(
    {
        "path",
        "linkpath",
        "size",
        "GNU.sparse.name",
        "GNU.sparse.major",
        "GNU.sparse.map",
        "GNU.sparse.realsize",
        "GNU.sparse.size",
    }
)
# The first form of PAX sparse files (0.0) repeats two records for each piece; they become the
# one record of the next form (0.1), which lists the numbers.
_PIECES: Final = frozenset({"GNU.sparse.offset", "GNU.sparse.numbytes"})
_MAP: Final = "GNU.sparse.map"
_SHOWN_PATH: Final = 200


@dataclass(frozen=True, slots=True)
class Member:
    """One entry: `kind` is `file`, `dir`, `hardlink`, `symlink`, `other` or `overlong`."""

    path: str
    kind: str
    size: int
    mode: int
    link: str = ""


@dataclass(slots=True)
class _Body:
    """Where the reader stands in the current member's data."""

    left: int = 0
    padding: int = 0
    holes: tuple[tuple[int, int], ...] | None = None
    size: int = 0  # what a sparse file expands to
    map_in_data: bool = False


def normal(name: str) -> str:
    """The path below the root, without `.`, `..` and leading slash."""
    clean = posixpath.normpath("/" + name)
    return clean.lstrip("/")


def _number(field: bytes) -> int:
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \x00").split(b"\x00")[0] or b"0"
    # Python's `int` would also take a sign and underscores.
    if digits.strip(_OCTAL):
        raise StreamDamage(NoteKind.MALFORMED, "tar header with a number that is none")
    return int(digits, 8)


def _text(field: bytes) -> str:
    return field.split(b"\x00", 1)[0].decode("utf-8", "replace")


def _check(header: bytes) -> None:
    """Raise unless the checksum is right: of unsigned bytes or, as some old tars made it, of signed."""
    expected = _number(header[148:156])
    found = sum(header) - sum(header[148:156]) + _SPACES
    if found == expected:
        return
    negative = sum(byte > 127 for byte in header[:148] + header[156:])
    if not negative or found - 256 * negative != expected:
        raise StreamDamage(NoteKind.MALFORMED, "tar header with a wrong checksum")


def _pax(data: bytes) -> dict[str, str]:
    records: dict[str, str] = {}
    pieces: list[str] = []
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 12)
        if space < 0 or not data[position:space].isdigit():
            break
        end = position + int(data[position:space])
        key, _, value = data[space + 1 : end - 1].partition(b"=")
        if end <= space or end > len(data):
            break
        if (name := key.decode("utf-8", "replace")) in _KEYS:
            records[name] = value.decode("utf-8", "replace")
        elif name in _PIECES:
            pieces.append(value.decode("utf-8", "replace"))
        position = end
    return {_MAP: ",".join(pieces)} | records if pieces else records


def _pairs(numbers: list[int]) -> tuple[tuple[int, int], ...]:
    return tuple(zip(numbers[::2], numbers[1::2], strict=False))


class TarReader:
    """Iterates over the members; the data of the current one may be copied once."""

    def __init__(self, stream: Readable, *, max_path: int) -> None:
        self._stream = stream
        self._max_path = max_path
        self._body = _Body()
        self._globals: dict[str, str] = {}

    def __iter__(self) -> Iterator[Member]:
        records: dict[str, str] = {}
        while (header := self._header()) is not None:
            kind = header[156:157]
            if kind in b"xgLK" and kind:
                self._extended(kind, header, records)
                continue
            yield self._member(kind, header, self._globals | records)
            self.skip()
            records = {}

    def copy(self, target: BinaryIO) -> None:
        """Write the current member's data, holes filled with zeros, to `target`.

        Raises:
            StreamDamage: the stream ends early or the map of holes lies.
        """
        holes = self._data_map() if self._body.map_in_data else self._body.holes
        if holes is None:
            self._copy_bytes(self._body.left, target)
            return
        for offset, length in holes:
            if offset < target.tell() or length > self._body.left or offset + length > self._body.size:
                raise StreamDamage(NoteKind.MALFORMED, "sparse file whose map does not fit")
            target.seek(offset)
            self._copy_bytes(length, target)
        if target.seek(0, os.SEEK_END) < self._body.size:  # the last hole
            target.seek(self._body.size - 1)
            target.write(b"\0")

    def skip(self) -> None:
        """Pass over what is left of the current member."""
        rest = self._body.left + self._body.padding
        self._body = _Body()
        while rest:
            rest -= len(self._exactly(min(rest, _CHUNK)))

    def _header(self) -> bytes | None:
        """The next header, None at the end of the archive."""
        header = self._stream.read(BLOCK)
        while header and len(header) < BLOCK:
            more = self._stream.read(BLOCK - len(header))
            if not more:
                raise StreamDamage(NoteKind.TRUNCATED, "tar stream ends inside a header")
            header += more
        if not header or not any(header):
            return None
        _check(header)
        return header

    def _extended(self, kind: bytes, header: bytes, records: dict[str, str]) -> None:
        size = _number(header[124:136])
        if size > _MAX_EXTENDED:
            raise StreamDamage(NoteKind.TOO_LARGE, f"extended tar header of {size} bytes")
        data = self._exactly(size + -size % BLOCK)[:size]
        if kind == b"g":
            self._globals |= _pax(data)
        elif kind == b"x":
            records |= _pax(data)
        else:
            records["path" if kind == b"L" else "linkpath"] = _text(data)

    def _member(self, kind: bytes, header: bytes, records: dict[str, str]) -> Member:
        stored = self._size(header, records)
        name = records.get("GNU.sparse.name") or records.get("path") or self._ustar_name(header)
        size = stored
        self._body = _Body(left=stored, padding=-stored % BLOCK)
        if kind == b"S":
            size, kind = self._gnu_sparse(header), b"0"
        elif "GNU.sparse.major" in records or _MAP in records:
            size = self._pax_sparse(records)
        self._body.size = size
        word = {b"1": "hardlink", b"2": "symlink", b"5": "dir"}.get(
            kind, "file" if kind in _REGULAR else "other"
        )
        if word == "file" and name.endswith("/"):
            word = "dir"
        if word in {"hardlink", "symlink", "dir"} and not (word == "hardlink" and stored):
            self._body = _Body()
        if len(name) > self._max_path:
            name, word = name[:_SHOWN_PATH], "overlong"
        link = records.get("linkpath") or _text(header[157:257])
        return Member(normal(name), word, size, _number(header[100:108]) & 0o7777, link)

    @staticmethod
    def _size(header: bytes, records: dict[str, str]) -> int:
        text = records.get("size", "")
        return int(text) if text.isdecimal() and len(text) < 20 else _number(header[124:136])

    @staticmethod
    def _ustar_name(header: bytes) -> str:
        name = _text(header[:100])
        if header[257:263] != b"ustar\x00":
            return name
        prefix = _text(header[345:500])
        return f"{prefix}/{name}" if prefix else name

    def _gnu_sparse(self, header: bytes) -> int:
        """The old GNU form: four pieces in the header, more in the blocks that follow."""
        fields, more, size = header[386:482], header[482], _number(header[483:495])
        numbers: list[int] = []
        while True:
            numbers += [
                _number(fields[i : i + 12])
                for i in range(0, len(fields), 12)
                if fields[i : i + 12].strip(b"\x00 ")
            ]
            if not more:
                break
            if len(numbers) > _MAX_HOLES:
                raise StreamDamage(NoteKind.TOO_MANY, "sparse file of too many pieces")
            block = self._exactly(BLOCK)
            fields, more = block[:504], block[504]
        self._body.holes = _pairs(numbers)
        return size

    def _pax_sparse(self, records: dict[str, str]) -> int:
        size = records.get("GNU.sparse.realsize") or records.get("GNU.sparse.size") or "0"
        if _MAP in records:
            numbers = [int(n) for n in records[_MAP].split(",") if n.isdecimal() and len(n) < 20]
            self._body.holes = _pairs(numbers)
        else:
            self._body.map_in_data = True
        return int(size) if size.isdecimal() and len(size) < 20 else 0

    def _data_map(self) -> tuple[tuple[int, int], ...]:
        """PAX sparse 1.0: the map stands before the data, one decimal number a line."""
        text = bytearray()
        wanted = 1
        while text.count(b"\n") < wanted:
            if len(text) > _MAX_EXTENDED or self._body.left < BLOCK:
                raise StreamDamage(NoteKind.MALFORMED, "sparse file without its map")
            text += self._exactly(BLOCK)
            self._body.left -= BLOCK
            first = text.split(b"\n", 1)[0]
            wanted = 1 + 2 * (int(first) if first.isdigit() and len(first) < 7 else 0)
        numbers = [int(n) for n in text.split(b"\n")[1:wanted] if n.isdigit() and len(n) < 20]
        return _pairs(numbers)

    def _copy_bytes(self, count: int, target: BinaryIO) -> None:
        while count:
            data = self._exactly(min(count, _CHUNK))
            self._body.left -= len(data)
            count -= len(data)
            target.write(data)

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) == size:
            return data
        pieces = bytearray(data)
        while len(pieces) < size:
            more = self._stream.read(size - len(pieces))
            if not more:
                raise StreamDamage(NoteKind.TRUNCATED, f"tar stream ends {size - len(pieces)} bytes early")
            pieces += more
        return bytes(pieces)
