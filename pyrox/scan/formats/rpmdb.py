"""Reads the package headers of rpm databases: SQLite, NDB and BerkeleyDB hash.

The rpm ecosystem calls it with a database's file. Nothing of a database is trusted: page
numbers, chains and counts have bounds, and damage ends the reading with `BrokenDatabase`
after the headers that came before it. One header is in memory at a time, never the file.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from pyrox.scan.formats import sqlitefile

# rpm takes headers of 256 MB (lib/header.c, headerMaxbytes); the largest that distributions
# ship have some 10 MB. Ours is the bound of rpm before 4.14.
MAX_HEADER: Final = 32 * 1024 * 1024
HEAD: Final = 512
_TABLES: Final = frozenset(("Packages",))
_NDB: Final = b"RpmP"
_NDB_SLOT: Final = 0x746F6C53  # "Slot"
_NDB_BLOB: Final = 0x53626C42  # "BlbS"
_NDB_PAGE: Final = 4096
_BDB_HASH: Final = 0x061561
_BDB_PAGE_HEADER: Final = 26
_BDB_HASH_PAGES: Final = (2, 13)
_BDB_OVERFLOW: Final = 7
_BDB_INLINE, _BDB_OFF_PAGE = 1, 3


class BrokenDatabase(ValueError):
    """The bytes are no rpm database, or are damaged from here on."""


class _File:
    """Parts of a file by position."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)

    def at(self, position: int, count: int) -> bytes:
        """Up to `count` bytes; fewer where the file ends."""
        self._file.seek(position)
        return self._file.read(count)


def prefix(head: bytes) -> str:
    """`sqlite`, `ndb` or `bdb`, by which upstream names a database; empty for other files.

    `head` is the beginning of the file, 512 bytes or more.
    """
    if head.startswith(sqlitefile.MAGIC):
        return "sqlite"
    if head.startswith(_NDB):
        return "ndb"
    return "bdb" if _bdb_order(head) else ""


def blobs(file: BinaryIO, log: BinaryIO | None = None) -> Iterator[bytes]:
    """The header of every installed package; `log` is the write-ahead log beside a SQLite database.

    Raises:
        BrokenDatabase: when it comes to a part that cannot be read.
    """
    data = _File(file)
    kind = prefix(data.at(0, HEAD))
    if not kind:
        raise BrokenDatabase("neither SQLite nor NDB nor BerkeleyDB hash")
    # Headers do not overlap in a sound database.
    room = 2 * (data.size + (_File(log).size if log is not None else 0))
    found = _sqlite(file, log) if kind == "sqlite" else {"ndb": _ndb, "bdb": _bdb}[kind](data)
    try:
        for blob in found:
            room -= len(blob)
            if room < 0:
                raise BrokenDatabase(f"{kind}: more headers than the file can hold")
            yield blob
    except (struct.error, IndexError) as error:
        raise BrokenDatabase(f"{kind}: ends early: {error}") from error


def _sqlite(file: BinaryIO, log: BinaryIO | None) -> Iterator[bytes]:
    try:
        with sqlitefile.reading(file, _TABLES, longest=MAX_HEADER, log=log) as connection:
            for (blob,) in connection.execute("SELECT blob FROM Packages"):
                if isinstance(blob, bytes):
                    yield blob
    except sqlitefile.BrokenSqlite as error:
        raise BrokenDatabase(f"sqlite: {error}") from error


def _ndb(data: _File) -> Iterator[bytes]:
    """Slots of sixteen bytes, two of which the file's header takes (rpm lib/backend/ndb/rpmpkg.c)."""
    (pages,) = struct.unpack_from("<I", data.at(0, HEAD), 12)
    for page in range(min(pages, data.size // _NDB_PAGE + 1)):
        slots = data.at(page * _NDB_PAGE, _NDB_PAGE)
        for position in range(0 if page else 32, len(slots) - 15, 16):
            magic, index, block, _ = struct.unpack_from("<IIII", slots, position)
            if magic != _NDB_SLOT:
                raise BrokenDatabase("ndb: slot without its mark")
            if index:
                yield _ndb_blob(data, index, block * 16)


def _ndb_blob(data: _File, index: int, start: int) -> bytes:
    magic, owner, _, length = struct.unpack("<IIII", data.at(start, 16))
    if magic != _NDB_BLOB or owner != index or length > MAX_HEADER:
        raise BrokenDatabase(f"ndb: package {index} without its header")
    return data.at(start + 16, length)


def _bdb_order(head: bytes) -> str:
    if len(head) < HEAD:
        return ""
    return next((mark for mark in "<>" if struct.unpack_from(mark + "I", head, 12)[0] == _BDB_HASH), "")


def _bdb(data: _File) -> Iterator[bytes]:
    head = data.at(0, HEAD)
    order = _bdb_order(head)
    (size,) = struct.unpack_from(order + "I", head, 20)
    (last,) = struct.unpack_from(order + "I", head, 32)
    if not 512 <= size <= 65_536 or size & (size - 1):
        raise BrokenDatabase(f"bdb: page size {size}")
    for number in range(1, min(last, data.size // size) + 1):
        page = data.at(number * size, size)
        if len(page) == size and page[25] in _BDB_HASH_PAGES:
            yield from _bdb_values(data, page, size, order)


def _bdb_values(data: _File, page: bytes, size: int, order: str) -> Iterator[bytes]:
    """The values of a hash page: keys and values alternate, growing from the page's end."""
    (entries,) = struct.unpack_from(order + "H", page, 20)
    offsets = struct.unpack_from(f"{order}{entries}H", page, _BDB_PAGE_HEADER)
    for index in range(1, entries, 2):
        start, end = offsets[index], offsets[index - 1]
        kind = page[start]
        if kind == _BDB_INLINE:
            value = page[start + 1 : end]
        elif kind == _BDB_OFF_PAGE:
            first, length = struct.unpack_from(order + "II", page, start + 4)
            value = _bdb_chain(data, first, length, size, order)
        else:
            raise BrokenDatabase(f"bdb: entry of kind {kind}")
        if len(value) > 4:  # the record of number 0 holds the next number, four bytes
            yield value


def _bdb_chain(data: _File, first: int, length: int, size: int, order: str) -> bytes:
    """A value that fills pages of its own, each naming the next."""
    if length > MAX_HEADER:
        raise BrokenDatabase(f"bdb: header of {length} bytes")
    out = bytearray()
    number = first
    while number and len(out) < length:
        page = data.at(number * size, size)
        if len(page) < size or page[25] != _BDB_OVERFLOW:
            raise BrokenDatabase(f"bdb: page {number} does not continue a header")
        following, filled = (
            struct.unpack_from(order + "I", page, 16)[0],
            struct.unpack_from(order + "H", page, 22)[0],
        )
        if filled > size - _BDB_PAGE_HEADER or (
            filled < size - _BDB_PAGE_HEADER and len(out) + filled < length
        ):
            raise BrokenDatabase(f"bdb: page {number} is not full though the header goes on")
        out += page[_BDB_PAGE_HEADER : _BDB_PAGE_HEADER + filled]
        number = following
    return bytes(out[:length])
