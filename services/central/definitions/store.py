"""Uploaded definitions in Central DB: upstream's names, contents in pieces.

`files.py` writes and reads whole files; memory never holds more than one piece. An
upload is one transaction, so whoever dies during it leaves what was there before.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyrox.clock import Clock
from pyrox.errors import RoxError, Unavailable
from pyrox.pb.storage.blob_pb2 import Blob
from pyrox.pg.pool import Pool, Transaction
from pyrox.rpc.scope import EVERYTHING
from services.central.db import tables
from services.central.db.store import ProtoStore

# Upstream central/scannerdefinitions/handler/handler.go.
V4 = "/offline/scanner/v4/scanner-v4-defs.zip"
V2 = "/offline/scanner/scanner-defs.zip"
PIECE_BYTES = 1 << 20
# Any number that no other lock of Central uses: "defs" in ASCII.
_LOCK = 0x64656673

_LOCKING = "SELECT pg_try_advisory_xact_lock($1)"
_EMPTY = "DELETE FROM blob_parts WHERE name = $1"
_ADD = "INSERT INTO blob_parts (name, number, data) VALUES ($1, $2, $3)"
_PIECE = "SELECT data FROM blob_parts WHERE name = $1 AND number = $2"


class UploadInProgress(RoxError):
    """Somebody else is uploading; gRPC's ABORTED, as upstream answers."""

    CODE = 10

    def __init__(self) -> None:
        super().__init__("scanner definitions upload already in progress")


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept under a name."""

    name: str
    checksum: str
    """SHA-256 of the content."""
    modified: datetime


class DefinitionStore:
    """The blobs of scanner definitions."""

    def __init__(self, *, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._blobs: ProtoStore[Blob] = ProtoStore(pool=pool, table=tables.BLOBS)

    async def about(self, name: str) -> Stored | None:
        """What is kept under that name."""
        blob = await self._blobs.get(name, scope=EVERYTHING)
        return None if blob is None else _stored(blob)

    async def replace(self, files: Mapping[str, Path]) -> None:
        """Keep these files under their names, all of them or none.

        Raises `UploadInProgress` while another replica does the same.
        """
        async with self._pool.transaction() as tx:
            if not await tx.fetchval(_LOCKING, _LOCK):
                raise UploadInProgress
            for name, path in files.items():
                await self._blobs.upsert(await self._written(tx, name, path), tx=tx)

    async def _written(self, tx: Transaction, name: str, path: Path) -> Blob:
        await tx.execute(_EMPTY, name)
        digest, length = hashlib.sha256(), 0
        with path.open("rb") as file:
            number = 0
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                await tx.execute(_ADD, name, number, piece)
                digest.update(piece)
                length += len(piece)
                number += 1
        blob = Blob(name=name, checksum=digest.hexdigest(), length=length)
        now = self._clock.now()
        blob.last_updated.FromDatetime(now)
        blob.modified_time.FromDatetime(now)
        return blob

    async def copy(self, name: str, target: Path) -> Stored | None:
        """Write the content to a file; what it was. Raises `Unavailable` when pieces are missing."""
        async with self._pool.transaction(isolation="repeatable_read", readonly=True) as tx:
            blob = await self._blobs.get(name, scope=EVERYTHING, tx=tx)
            if blob is None:
                return None
            digest, number = hashlib.sha256(), 0
            with target.open("wb") as file:
                while (piece := await tx.fetchval(_PIECE, name, number)) is not None:
                    await asyncio.to_thread(file.write, piece)
                    digest.update(piece)
                    number += 1
        if digest.hexdigest() != blob.checksum:
            raise Unavailable(f"blob {name} is damaged in the database; upload the definitions again")
        return _stored(blob)


def _stored(blob: Blob) -> Stored:
    # HTTP dates have whole seconds; a fraction would make every file look changed.
    modified = datetime.fromtimestamp(blob.modified_time.seconds, UTC)
    return Stored(name=blob.name, checksum=blob.checksum, modified=modified)
