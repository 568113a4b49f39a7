"""Opens what feeds publish: gzip, bzip2 and zip in memory, with bounds; and times of advisories."""

from __future__ import annotations

import bz2
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Final

from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.model import NoteKind

MAX_FEED: Final = 2_000_000_000
MAX_DOCUMENT: Final = 16_000_000
_GZIP: Final = b"\x1f\x8b"
_BZIP2: Final = b"BZh"
_MAX_MEMBERS: Final = 100  # each costs a copy of all that follows it
# What `zipfile` raises for content that lies.
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


def plain(data: bytes, limit: int = MAX_FEED) -> bytes:
    """The data, unpacked when they are gzip or bzip2.

    Raises:
        StreamDamage: broken, or more than the limit.
    """
    if data.startswith(_BZIP2):
        return _bzip2(data, limit)
    if not data.startswith(_GZIP):
        return data
    parts: list[bytes] = []
    room = limit
    while data.startswith(_GZIP):  # a gzip file may have several members (RFC 1952, 2.2)
        if len(parts) == _MAX_MEMBERS:
            raise StreamDamage(NoteKind.TOO_MANY, f"more than {_MAX_MEMBERS} gzip members")
        out, data = _gzip_member(data, limit, room)
        parts.append(out)
        room -= len(out)
    return b"".join(parts)


def _gzip_member(data: bytes, limit: int, room: int) -> tuple[bytes, bytes]:
    """One member's content, at most `room` bytes of it, and what follows the member."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        out = unpacker.decompress(data, room + 1)
    except zlib.error as error:
        raise StreamDamage(NoteKind.MALFORMED, f"gzip: {error}") from error
    if len(out) > room:
        raise StreamDamage(NoteKind.TOO_LARGE, f"more than {limit} bytes unpacked")
    if not unpacker.eof:
        raise StreamDamage(NoteKind.TRUNCATED, "gzip ends early")
    return out, unpacker.unused_data


def _bzip2(data: bytes, limit: int) -> bytes:
    """The content of a file with one stream or several."""
    parts: list[bytes] = []
    room = limit
    while data:
        if len(parts) == _MAX_MEMBERS:
            raise StreamDamage(NoteKind.TOO_MANY, f"more than {_MAX_MEMBERS} bzip2 streams")
        unpacker = bz2.BZ2Decompressor()
        try:
            out = unpacker.decompress(data, room + 1)
        except (OSError, ValueError) as error:
            raise StreamDamage(NoteKind.MALFORMED, f"bzip2: {error}") from error
        if len(out) > room:
            raise StreamDamage(NoteKind.TOO_LARGE, f"more than {limit} bytes unpacked")
        if not unpacker.eof:
            raise StreamDamage(NoteKind.TRUNCATED, "bzip2 ends early")
        parts.append(out)
        room, data = room - len(out), unpacker.unused_data
    return b"".join(parts)


def documents(data: bytes, limit: int = MAX_DOCUMENT) -> Iterator[tuple[str, bytes | StreamDamage]]:
    """The files of a zip by name; one that is broken or too large gives its damage instead.

    Raises:
        StreamDamage: the zip itself cannot be read.
    """
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except _BROKEN as error:
        raise StreamDamage(NoteKind.MALFORMED, f"zip: {error}") from error
    with archive:
        for info in archive.infolist():
            # `ZipInfo.is_dir` of Python 3.11 fails on the empty name.
            if not info.filename.endswith("/"):
                yield info.filename, _member(archive, info, limit)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes | StreamDamage:
    try:
        with archive.open(info) as member:
            content = member.read(limit + 1)
    except _BROKEN as error:
        return StreamDamage(NoteKind.MALFORMED, f"zip member: {error}")
    if len(content) > limit:
        return StreamDamage(NoteKind.TOO_LARGE, f"more than {limit} bytes")
    return content


def time(text: str) -> datetime | None:
    """An ISO 8601 time; without a zone it is UTC. None for no time, or for one before 1900."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    value = value if value.tzinfo else value.replace(tzinfo=UTC)
    return value if value.year >= 1900 else None
