"""The bytes of a backup on their way in, from as many connections as it takes.

An attempt puts what it receives, the restore takes it in pieces. At most one chunk
waits, so a slow database slows the sender. Position and checksum say where the next
attempt goes on (upstream `pkg/ioutils/resumable_reader.go`).
"""

from __future__ import annotations

import asyncio
import zlib

from services.central.backups.errors import Refused

# Upstream's defaultReattachTimeout.
REATTACH_SECONDS = 24 * 3600.0


class Upload:
    """One stream; made per restore."""

    def __init__(self, *, patience: float = REATTACH_SECONDS) -> None:
        """It waits for `patience` seconds for more before it gives up."""
        self.position = 0
        """How many bytes were accepted."""
        self.checksum = 0
        """Their CRC-32."""
        self._patience = patience
        self._chunk = b""
        self._ended = False
        self._changed = asyncio.Condition()

    async def put(self, chunk: bytes) -> None:
        """Hand over a chunk, waiting for the one before; cancelled, it was not accepted."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._chunk)
            self._chunk = chunk
            self.position += len(chunk)
            self.checksum = zlib.crc32(chunk, self.checksum)
            self._changed.notify_all()

    async def end(self) -> None:
        """Say that nothing more will come."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def take(self, limit: int) -> bytes:
        """At least one and at most `limit` bytes; none when the stream has ended.

        Raises `Refused` when nobody sends anything for too long.
        """
        async with self._changed:
            try:
                async with asyncio.timeout(self._patience):
                    await self._changed.wait_for(lambda: self._chunk or self._ended)
            except TimeoutError as error:
                hours = int(self._patience // 3600)
                raise Refused(f"timeout: no new data stream attached after {hours}h0m0s") from error
            part, self._chunk = self._chunk[:limit], self._chunk[limit:]
            self._changed.notify_all()
            return part

    def check(self, position: int, checksum: int) -> None:
        """Raise `Refused` unless a sender that goes on there sends the same backup."""
        if position != self.position:
            raise Refused(f"position mismatch when trying to attach reader: {self.position} != {position}")
        if checksum != self.checksum:
            raise Refused("checksum validation failed when trying to attach reader")
