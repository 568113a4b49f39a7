"""Lays a SQLite write-ahead log over its database, as a checkpoint would.

`sqlitefile` calls it with its own copy of a database that was in use when its image was made.
The form is that of SQLite's "WAL-mode file format": a header, then frames of one page each; a
frame counts when its salts and its running checksum are right and a commit follows. Nothing
of the log is trusted: page numbers and sizes have bounds.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO, Final

HEADER: Final = 32
MAX_LOG: Final = 64 * 1024 * 1024  # SQLite empties its log at 4 MB unless told otherwise
MAX_DATABASE: Final = 512 * 1024 * 1024
_FRAME: Final = 24
_MAGIC: Final = {0x377F0682: "<", 0x377F0683: ">"}
_FORMAT: Final = 3_007_000
_MASK: Final = 0xFFFFFFFF


class BrokenLog(ValueError):
    """The bytes are no write-ahead log, or its frames do not fit the database."""


def lay_over(database: BinaryIO, log: BinaryIO) -> int:
    """Write the pages of all committed transactions into the database; how many frames those are.

    What stands behind the last whole transaction is left out, as after a crash.

    Raises:
        BrokenLog: a log of another form, of another page size, or over a bound. The database
            is then as it was.
    """
    log.seek(0)
    head = log.read(HEADER)
    if not head:
        return 0
    size, order = _header(head)
    if log.seek(0, os.SEEK_END) > MAX_LOG:
        raise BrokenLog(f"write-ahead log of more than {MAX_LOG} bytes")
    database.seek(16)
    if size != (struct.unpack(">H", database.read(2))[0] % 65535 or 65536):
        raise BrokenLog(f"write-ahead log of pages of {size} bytes; the database has others")
    pages, frames, last = _committed(log, head, size, order)
    for number, position in pages.items():
        log.seek(position)
        database.seek((number - 1) * size)
        database.write(log.read(size))
    if frames:
        database.truncate(last * size)
    return frames


def _header(head: bytes) -> tuple[int, str]:
    """Page size, and the byte order of the checksums."""
    if len(head) < HEADER:
        raise BrokenLog("write-ahead log ends in its header")
    magic, form, size = struct.unpack_from(">III", head)
    if magic not in _MAGIC or form != _FORMAT or not 512 <= size <= 65_536 or size & (size - 1):
        raise BrokenLog("no write-ahead log of SQLite")
    order = _MAGIC[magic]
    if _checksum((0, 0), head[:24], order) != struct.unpack_from(">II", head, 24):
        raise BrokenLog("write-ahead log with a wrong checksum in its header")
    return size, order


def _committed(log: BinaryIO, head: bytes, size: int, order: str) -> tuple[dict[int, int], int, int]:
    """Where the newest form of each page stands, the number of frames, and of pages after the last commit."""
    sums = struct.unpack_from(">II", head, 24)
    pages: dict[int, int] = {}
    pending: dict[int, int] = {}
    frames = count = last = 0
    position = HEADER
    log.seek(position)
    while len(frame := log.read(_FRAME + size)) == _FRAME + size:
        number, total = struct.unpack_from(">II", frame)
        sums = _checksum(_checksum(sums, frame[:8], order), frame[_FRAME:], order)
        if frame[8:16] != head[16:24] or sums != struct.unpack_from(">II", frame, 16) or not number:
            break
        if max(number, total) * size > MAX_DATABASE:
            raise BrokenLog(f"write-ahead log for a database of more than {MAX_DATABASE} bytes")
        pending[number] = position + _FRAME
        position += _FRAME + size
        count += 1
        if total:
            pages |= pending
            pending, frames, last = {}, count, total
    return {number: at for number, at in pages.items() if number <= last}, frames, last


def _checksum(sums: tuple[int, ...], data: bytes, order: str) -> tuple[int, int]:
    """SQLite's running checksum over words of 32 bits, two at a time."""
    one, two = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & _MASK
        two = (two + second + one) & _MASK
    return one, two
