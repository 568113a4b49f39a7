"""One file of a backup as it is read: decoded, bounded by the manifest, checked.

`process.py` makes one per file of the manifest. A file that holds more, less or other
bytes than its manifest says ends the restore; a compressed one cannot grow past its
declared size.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

from pyrox.pb.api.v1 import db_service_pb2 as pb
from services.central.backups.errors import Refused
from services.central.backups.upload import Upload

_CHUNK = 256 * 1024
_RAW_DEFLATE = -zlib.MAX_WBITS


class Contents:
    """The bytes of one file; read them once, by `chunks` or by `whole`."""

    def __init__(self, *, file: pb.DBExportManifest.File, upload: Upload) -> None:
        self.size: int = file.decoded_size
        self._file = file
        self._upload = upload
        self._produced = 0
        self._checksum = 0

    async def whole(self) -> bytes:
        """All bytes; only for files that the format keeps small."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        """The decoded bytes in order. Raises `Refused` for what the manifest does not say."""
        deflated = self._file.encoding == pb.DBExportManifest.DEFLATED
        parts = self._inflated() if deflated else self._encoded()
        async for part in parts:
            self._produced += len(part)
            if self._produced > self.size:
                raise Refused(f"it holds more than the {self.size} bytes that the manifest says")
            self._checksum = zlib.crc32(part, self._checksum)
            yield part
        if self._produced < self.size:
            raise Refused(f"it holds {self._produced} bytes, the manifest says {self.size}")
        if self._checksum != self._file.decoded_crc32:
            raise Refused(
                f"checksum mismatch: {self._checksum:x}, the manifest says {self._file.decoded_crc32:x}"
            )

    async def _encoded(self) -> AsyncIterator[bytes]:
        left = self._file.encoded_size
        while left:
            part = await self._upload.take(min(left, _CHUNK))
            if not part:
                raise Refused("unexpected EOF")
            left -= len(part)
            yield part

    async def _inflated(self) -> AsyncIterator[bytes]:
        inflater = _Inflater()
        async for part in self._encoded():
            # Inflating is work for a processor: 64 KiB may become 64 MiB.
            pieces = inflater.pieces(part)
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield piece
        inflater.check_end()


class _Inflater:
    """Raw DEFLATE, as ZIP files have it, in pieces of bounded size."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_RAW_DEFLATE)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What the data decode to."""
        if self._inner.eof:
            raise Refused("not all bytes in file chunk were read")
        while data:
            try:
                piece = self._inner.decompress(data, _CHUNK)
            except zlib.error as error:
                raise Refused("its compressed data are damaged") from error
            # What follows the end of the data is in the tail as well, for ever.
            data = b"" if self._inner.eof else self._inner.unconsumed_tail
            if piece:
                yield piece
        if self._inner.unused_data:
            raise Refused("not all bytes in file chunk were read")

    def check_end(self) -> None:
        """Raise `Refused` when the data stop in the middle."""
        if not self._inner.eof:
            raise Refused("unexpected EOF")
