"""Reads the package headers of rpm databases: SQLite, NDB and BerkeleyDB hash.

The rpm ecosystem calls it with a database's bytes. Nothing of a database is trusted: page
numbers, chains and counts have bounds, and damage ends the reading with `BrokenDatabase`
after the headers that came before it.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

MAX_HEADER: Final = 64_000_000
_SQLITE: Final = b"SQLite format 3\x00"
_STEPS: Final = 50_000_000  # instructions of SQLite's machine; 100,000 packages need a tenth
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


def prefix(data: bytes) -> str:
    """`sqlite`, `ndb` or `bdb`, by which upstream names a database; empty for other files."""
    if data.startswith(_SQLITE):
        return "sqlite"
    if data.startswith(_NDB):
        return "ndb"
    return "bdb" if _bdb_order(data) else ""


def blobs(data: bytes) -> Iterator[bytes]:
    """The header of every installed package.

    Raises:
        BrokenDatabase: when it comes to a part that cannot be read.
    """
    readers: dict[str, Callable[[bytes], Iterator[bytes]]] = {"sqlite": _sqlite, "ndb": _ndb, "bdb": _bdb}
    kind = prefix(data)
    if not kind:
        raise BrokenDatabase("neither SQLite nor NDB nor BerkeleyDB hash")
    room = 2 * len(data)  # headers do not overlap in a sound database
    try:
        for blob in readers[kind](data):
            room -= len(blob)
            if room < 0:
                raise BrokenDatabase(f"{kind}: more headers than the file can hold")
            yield blob
    except (struct.error, IndexError) as error:
        raise BrokenDatabase(f"{kind}: ends early: {error}") from error


def _sqlite(data: bytes) -> Iterator[bytes]:
    # A database in memory has no write-ahead log beside it; bytes 18 and 19 say whether it wants one.
    plain = data[:18] + b"\x01\x01" + data[20:]
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.deserialize(plain)
            connection.text_factory = bytes
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_HEADER)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.set_progress_handler(lambda: 1, _STEPS)
            for (blob,) in connection.execute("SELECT blob FROM Packages"):
                if isinstance(blob, bytes):
                    yield blob
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
            raise BrokenDatabase(f"sqlite: {error}") from error


def _ndb(data: bytes) -> Iterator[bytes]:
    """Slots of sixteen bytes, two of which the file's header takes (rpm lib/backend/ndb/rpmpkg.c)."""
    (pages,) = struct.unpack_from("<I", data, 12)
    end = min(pages * _NDB_PAGE, len(data))
    for position in range(32, end - 15, 16):
        magic, index, block, _ = struct.unpack_from("<IIII", data, position)
        if magic != _NDB_SLOT:
            raise BrokenDatabase("ndb: slot without its mark")
        if not index:
            continue
        start = block * 16
        blob_magic, blob_index, _, length = struct.unpack_from("<IIII", data, start)
        if blob_magic != _NDB_BLOB or blob_index != index or length > MAX_HEADER:
            raise BrokenDatabase(f"ndb: package {index} without its header")
        yield data[start + 16 : start + 16 + length]


def _bdb_order(data: bytes) -> str:
    if len(data) < 512:
        return ""
    return next((mark for mark in "<>" if struct.unpack_from(mark + "I", data, 12)[0] == _BDB_HASH), "")


def _bdb(data: bytes) -> Iterator[bytes]:
    order = _bdb_order(data)
    (size,) = struct.unpack_from(order + "I", data, 20)
    (last,) = struct.unpack_from(order + "I", data, 32)
    if not 512 <= size <= 65_536 or size & (size - 1):
        raise BrokenDatabase(f"bdb: page size {size}")
    for number in range(1, min(last, len(data) // size) + 1):
        page = data[number * size : (number + 1) * size]
        if len(page) == size and page[25] in _BDB_HASH_PAGES:
            yield from _bdb_values(data, page, size, order)


def _bdb_values(data: bytes, page: bytes, size: int, order: str) -> Iterator[bytes]:
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


def _bdb_chain(data: bytes, first: int, length: int, size: int, order: str) -> bytes:
    """A value that fills pages of its own, each naming the next."""
    if length > MAX_HEADER:
        raise BrokenDatabase(f"bdb: header of {length} bytes")
    out = bytearray()
    number = first
    while number and len(out) < length:
        page = data[number * size : (number + 1) * size]
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
