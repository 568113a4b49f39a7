"""Decompression of a layer as a bounded stream: gzip, zstd or nothing, told by magic.

`pyrox.scan.layerfile` reads layers through it. What comes out is bounded in size and in its
ratio to what went in, so a bomb ends with a note of its layer and not with the machine. It must
not know tar.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, Protocol

import zstandard
from isal import isal_zlib

from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.model import NoteKind

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPED = b"\x2a\x4d\x18"
_READ = 256 * 1024
# A frame may ask for a window of 3.75 TiB; the format's own recommendation for
# decoders is 8 MiB, the long mode of the zstd command goes to 128 MiB.
_MAX_WINDOW = 128 * 1024 * 1024
_GIBI = 1024**3


class _Decoder(Protocol):
    """Incremental decompression."""

    def decode(self, data: bytes, room: int) -> bytes:
        """Up to about `room` bytes; empty data means: only what is left over."""

    def hungry(self) -> bool:
        """Whether more input is needed before anything comes out."""

    def finished(self) -> bool:
        """Whether the input may end here."""


class _Plain:
    def decode(self, data: bytes, room: int) -> bytes:  # noqa: ARG002 - the protocol's form
        return data

    def hungry(self) -> bool:
        return True

    def finished(self) -> bool:
        return True


class _Gzip:
    """One or more gzip members, one after the other.

    The library copies what follows a member, so a member is fed little at first: a file of
    nothing but empty members then costs no more than its size.
    """

    _FIRST = 1024

    def __init__(self) -> None:
        self._member = isal_zlib.decompressobj(wbits=31)
        self._left = memoryview(b"")
        self._step = self._FIRST

    def decode(self, data: bytes, room: int) -> bytes:
        if data:
            self._left = memoryview(data)
        elif not self._left and not self._member.eof:
            return self._member.decompress(b"", room)
        out: list[bytes] = []
        size = 0
        while self._left and size < room:
            if self._member.eof and not self._next_member():
                break
            step = self._left[: self._step]
            out.append(self._member.decompress(step, room - size))
            size += len(out[-1])
            rest = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            self._left = self._left[len(step) - len(rest) :]
            self._step = min(2 * self._step, _READ)
        return b"".join(out)

    def _next_member(self) -> bool:
        """Begin a member, if one follows; some builders pad the file with zeros after the last."""
        if not self._left[0]:
            self._left = memoryview(bytes(self._left).lstrip(b"\0"))
        if self._left:
            self._member = isal_zlib.decompressobj(wbits=31)
            self._step = self._FIRST
        return bool(self._left)

    def hungry(self) -> bool:
        return not self._left

    def finished(self) -> bool:
        return self._member.eof


class _Zstd:
    """One or more zstd frames, fed in small steps, since the library has no bound on its output."""

    # A block of zstd takes at least four bytes and holds at most 128 KiB.
    _STEP = 1024

    def __init__(self) -> None:
        self._frames = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
        self._frame = self._frames.decompressobj()
        self._left = memoryview(b"")

    def decode(self, data: bytes, room: int) -> bytes:
        if data:
            self._left = memoryview(data)
        out: list[bytes] = []
        size = 0
        while self._left and size < room:
            if self._frame.eof:
                self._frame = self._frames.decompressobj()
            step = self._left[: self._STEP]
            out.append(self._frame.decompress(step))
            size += len(out[-1])
            used = len(step) - (len(self._frame.unused_data) if self._frame.eof else 0)
            self._left = self._left[used:]
        return b"".join(out)

    def hungry(self) -> bool:
        return not self._left

    def finished(self) -> bool:
        return bool(self._frame.eof)


class Unpacked(io.RawIOBase):
    """The bytes of a layer's tar, read from its compressed file.

    Reading raises `StreamDamage` when the stream is damaged, ends too early, or when more
    comes out than is allowed.
    """

    def __init__(
        self,
        source: BinaryIO,
        *,
        compressed: int,
        free_bytes: int = 4 * _GIBI,
        ratio: int = 100,
        most_bytes: int = 32 * _GIBI,
    ) -> None:
        """Read `source`, a file of `compressed` bytes.

        Up to `free_bytes` are allowed whatever the ratio (files of zeros are common),
        beyond that `ratio` times the compressed size, and never more than `most_bytes`.
        """
        super().__init__()
        self._source = source
        self._limit = min(most_bytes, max(free_bytes, ratio * compressed))
        self._size = 0
        self._buffer = memoryview(b"")
        head = source.read(_READ)
        self._pending = head
        self._decoder = _decoder_for(head)
        self._ended = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, target: WriteableBuffer, /) -> int:
        """Fill part of the target; 0 at the end."""
        view = memoryview(target).cast("B")
        while not self._buffer and not self._ended:
            self._buffer = memoryview(self._more(max(len(view), _READ)))
        count = min(len(view), len(self._buffer))
        view[:count] = self._buffer[:count]
        self._buffer = self._buffer[count:]
        return count

    def _more(self, room: int) -> bytes:
        data = self._pending
        self._pending = b""
        if not data and self._decoder.hungry():
            data = self._source.read(_READ)
        ends = not data and self._decoder.hungry()
        try:
            # At the end of the input the library may still hold output.
            out = self._decoder.decode(data, room)
        except (isal_zlib.error, zstandard.ZstdError) as err:  # type: ignore[misc]  # a class, whatever its stub says
            raise StreamDamage(NoteKind.MALFORMED, f"its compressed data are damaged: {err}") from err
        if ends and not out:
            self._ended = True
            if not self._decoder.finished():
                raise StreamDamage(NoteKind.TRUNCATED, "it ends in the middle of its compressed data")
        self._size += len(out)
        if self._size > self._limit:
            raise StreamDamage(NoteKind.TOO_LARGE, f"it unpacks to more than {self._limit} bytes")
        return out


def _decoder_for(head: bytes) -> _Decoder:
    if head.startswith(_GZIP):
        return _Gzip()
    return _Zstd() if head.startswith(_ZSTD) or _skippable(head) else _Plain()


def _skippable(head: bytes) -> bool:
    """A frame of user data, with which parallel writers of zstd begin (RFC 8878, 3.1.2)."""
    return len(head) > 4 and head[0] & 0xF0 == 0x50 and head[1:4] == _ZSTD_SKIPPED
