"""Reads rpm headers as databases store them: an index of tags and a block of values.

`pyrox.scan.formats.rpmdb` finds the headers, the rpm ecosystem reads names, versions and
files from them. Counts and offsets of a header are not trusted (rpm lib/header.c).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

NAME, VERSION, RELEASE, EPOCH, ARCH = 1000, 1001, 1002, 1003, 1022
SOURCE_RPM, DIR_INDEXES, BASE_NAMES, DIR_NAMES = 1044, 1116, 1117, 1118
OLD_FILE_NAMES: Final = 1027
PAYLOAD_DIGEST, PAYLOAD_ALGORITHM, MODULARITY = 5092, 5093, 5096
SIGNATURES: Final = (259, 268, 267)  # SIGPGP, RSAHEADER, DSAHEADER
_INT32, _STRING, _BINARY, _STRINGS, _TEXTS = 4, 6, 7, 8, 9
_TEXT_KINDS: Final = frozenset((_STRING, _STRINGS, _TEXTS))
_MAX_TAGS: Final = 65_535  # rpm lib/header.c, HEADER_TAGS_MAX
_MAX_ITEMS: Final = 2_000_000
_MAX_PATH: Final = 4096  # PATH_MAX of Linux; a directory may be shared by every file
_MAX_TEXT: Final = 4096
_ISSUER: Final = 16  # the subpacket of an OpenPGP signature that names its key


class BrokenHeader(ValueError):
    """The bytes are no rpm header."""


@dataclass(frozen=True, slots=True)
class Header:
    """A header's values by tag; a tag that is absent or of another type gives nothing.

    `blob` is the header as stored, whose values begin at `start`: nothing of it is copied
    before it is asked for.
    """

    index: dict[int, tuple[int, int, int]]
    blob: bytes
    start: int = 0
    end: int = 0

    def text(self, tag: int) -> str:
        """The first text of a tag, at most its first 4096 bytes."""
        return next(self._texts(tag, 1), b"")[:_MAX_TEXT].decode("utf-8", "replace")

    def texts(self, tag: int) -> list[str]:
        """Every text of a tag."""
        return [text.decode("utf-8", "replace") for text in self._texts(tag, _MAX_ITEMS)]

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Every 32-bit number of a tag."""
        return tuple(self._numbers(tag))

    def binary(self, tag: int) -> bytes:
        """The bytes of a tag."""
        kind, offset, count = self.index.get(tag, (0, 0, 0))
        place = self.start + offset
        return self.blob[place : min(place + count, self.end)] if kind == _BINARY else b""

    def files(self) -> Iterator[str]:
        """The paths of the package's files; one that no Linux could open is left out.

        Packages of rpm before 4.0 have whole paths instead of directories and names.
        """
        directories = list(self._texts(DIR_NAMES, _MAX_ITEMS))
        for name, place in zip(self._texts(BASE_NAMES, _MAX_ITEMS), self._numbers(DIR_INDEXES), strict=False):
            if place < len(directories) and len(directories[place]) + len(name) < _MAX_PATH:
                yield (directories[place] + name).decode("utf-8", "replace")
        for path in self._texts(OLD_FILE_NAMES, _MAX_ITEMS):
            if len(path) < _MAX_PATH:
                yield path.decode("utf-8", "replace")

    def _texts(self, tag: int, most: int) -> Iterator[bytes]:
        kind, offset, count = self.index.get(tag, (0, 0, 0))
        if kind not in _TEXT_KINDS:
            return
        position = self.start + offset
        for _ in range(min(1 if kind == _STRING else count, most)):
            if position >= self.end:
                return
            stop = self.blob.find(b"\x00", position, self.end)
            stop = self.end if stop < 0 else stop
            yield self.blob[position:stop]
            position = stop + 1

    def _numbers(self, tag: int) -> Iterator[int]:
        kind, offset, count = self.index.get(tag, (0, 0, 0))
        place = self.start + offset
        if kind != _INT32 or count > (self.end - place) // 4:
            return
        values = memoryview(self.blob)[place : place + 4 * count]
        for (value,) in struct.iter_unpack(">I", values):
            yield value

    def key_id(self) -> str:
        """The key that signed the package, as sixteen hexadecimal digits; empty without one."""
        return next((key for tag in SIGNATURES if (key := _issuer(self.binary(tag)))), "")


def parse(blob: bytes) -> Header:
    """Take a header apart.

    Raises:
        BrokenHeader: its counts do not fit its bytes.
    """
    if len(blob) < 8:
        raise BrokenHeader("header of less than eight bytes")
    tags, size = struct.unpack_from(">II", blob)
    start = 8 + 16 * tags
    if tags > _MAX_TAGS or start + size > len(blob):
        raise BrokenHeader(f"header of {tags} tags and {size} bytes does not fit {len(blob)} bytes")
    index: dict[int, tuple[int, int, int]] = {}
    for position in range(8, start, 16):
        tag, kind, offset, count = struct.unpack_from(">IIII", blob, position)
        if offset <= size:
            index[tag] = (kind, offset, count)
    return Header(index, blob, start, start + size)


def _issuer(packet: bytes) -> str:
    """The issuer of an OpenPGP signature packet (RFC 4880, 4.2 and 5.2)."""
    body = _body(packet)
    if len(body) >= 19 and body[0] == 3:
        return body[7:15].hex()
    if len(body) < 6 or body[0] != 4:
        return ""
    hashed = int.from_bytes(body[4:6], "big")
    open_at = 6 + hashed
    unhashed = int.from_bytes(body[open_at : open_at + 2], "big")
    areas = (body[6:open_at], body[open_at + 2 : open_at + 2 + unhashed])
    return next((found for area in areas if (found := _subpacket(area))), "")


def _body(packet: bytes) -> bytes:
    if len(packet) < 3 or not packet[0] & 0x80:
        return b""
    if packet[0] & 0x40:  # the newer form: its length tells its own size
        skip = 2 if packet[1] < 192 else 3 if packet[1] < 255 else 6
    else:
        skip = 1 + (1, 2, 4, 0)[packet[0] & 3]
    return packet[skip:]


def _subpacket(area: bytes) -> str:
    position = 0
    while position < len(area):
        length, used = area[position], 1
        if length == 255:
            length, used = int.from_bytes(area[position + 1 : position + 5], "big"), 5
        elif length >= 192:
            length, used = (
                ((length - 192) << 8) + int.from_bytes(area[position + 1 : position + 2], "big") + 192,
                2,
            )
        content = area[position + used : position + used + length]
        if content[:1] and content[0] & 0x7F == _ISSUER:
            return content[1:9].hex()
        position += used + length
    return ""
