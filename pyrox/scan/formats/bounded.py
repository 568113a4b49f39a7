"""A reader that ends with an error instead of filling memory, and that error.

The Indexer wraps decompressed layers in it; tar and archive readers raise the same error,
so that the walk of a layer turns every damage into one note.
"""

from __future__ import annotations

from typing import Protocol

from pyrox.scan.model import NoteKind


class StreamDamage(Exception):
    """Input that cannot be read on; what was read before stays good."""

    def __init__(self, kind: NoteKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


class Readable(Protocol):
    """The one method that streams need here."""

    def read(self, size: int = ..., /) -> bytes:
        """At most `size` bytes; empty at the end."""


class BoundedReader:
    """Passes on at most `limit` bytes of a stream, then raises `StreamDamage`."""

    def __init__(self, stream: Readable, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes (all, when negative).

        Raises:
            StreamDamage: the stream holds more than the limit.
        """
        room = self._limit - self.count + 1
        data = self._stream.read(room if size < 0 else min(size, room))
        self.count += len(data)
        if self.count > self._limit:
            raise StreamDamage(NoteKind.TOO_LARGE, f"more than {self._limit} bytes after decompression")
        return data
