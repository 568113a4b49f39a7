"""Where a dump is restored to: a database of its own, or the active one in place.

`process.py` drives one target per restore. A server of ours gets a second database,
loaded while the backup comes in; Central goes on with the old data meanwhile. Where no
database can be made, the dump is kept in a temporary file until all of it is there and
checked, then loaded in one transaction.
"""

from __future__ import annotations

import asyncio
import math
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO, Protocol

from pyrox import log
from pyrox.errors import Unavailable
from services.central.backups import inplace, versions
from services.central.backups.contents import Contents
from services.central.backups.databases import Databases
from services.central.backups.errors import Refused
from services.central.backups.load import Load
from services.central.backups.programs import Connection, Programs, Restorers

_LOG = log.get(__name__)
# Indexes are built while the data arrive, so more is needed than the database will have.
_MARGIN = 1.1
# A number of bytes: more digits than 2^63 has are no size.
_LONGEST_SIZE = 20


class Target(Protocol):
    """What a restore fills."""

    def check_version(self, content: bytes) -> None:
        """Raise `Refused` when this release cannot use the backup."""

    async def check_size(self, content: bytes) -> None:
        """Raise `Refused` when the database will not fit."""

    async def load(self, dump: Contents) -> None:
        """Take the dump."""

    async def finish(self) -> None:
        """All files were read: make the result what Central uses after its next start."""

    async def abandon(self) -> None:
        """Leave everything as it was."""


class _Checks:
    """The checks that both targets share."""

    def __init__(self, *, databases: Databases) -> None:
        self._databases = databases

    def check_version(self, content: bytes) -> None:
        """Raise `Refused` when this release cannot use the backup."""
        versions.check(content, self._databases.newest)

    async def check_size(self, content: bytes) -> None:
        """Raise `Refused` when the database will not fit on the server's volume."""
        text = content.decode("ascii", "replace").strip()
        if not text.isdecimal() or len(text) > _LONGEST_SIZE:
            raise Refused("the size of the database is no number")
        required = math.ceil(int(text) * _MARGIN)
        available = await self._databases.free_bytes()
        if available is None:
            _LOG.warning("free space is not known, assuming that it is enough", required=required)
        elif available <= required:
            raise Refused(
                f"restoring backup requires {required} bytes of free disk space,"
                f" but Postgres only has {available} bytes available"
            )


class SeparateDatabase(_Checks):
    """A second database on the same server."""

    def __init__(
        self, *, databases: Databases, connection: Connection, restorers: Restorers, server: int, schema: str
    ) -> None:
        super().__init__(databases=databases)
        self._connection = connection
        self._restorers = restorers
        self._server = server
        self._schema = schema
        self._load: Load | None = None
        self._created = False

    async def load(self, dump: Contents) -> None:
        """Load it while it comes in."""
        self._created = True
        await self._databases.create_restored()
        self._load = await Load.start(
            self._restorers,
            self._connection.environment(),
            database=self._databases.restored,
            server=self._server,
        )
        async for chunk in dump.chunks():
            await self._load.feed(chunk)
        await self._load.finish()
        self._load = None

    async def finish(self) -> None:
        """Check what was loaded; the next start of Central adopts it."""
        await self._databases.check_restored(self._schema)
        await self._databases.analyze_restored()

    async def abandon(self) -> None:
        """Drop the database."""
        if self._load is not None:
            await self._load.abandon()
        if self._created:
            await self._databases.drop_restored()


class InPlace(_Checks):
    """The active database itself."""

    def __init__(
        self,
        *,
        databases: Databases,
        connection: Connection,
        restorers: Restorers,
        server: int,
        schema: str,
        folder: Path | None = None,
    ) -> None:
        super().__init__(databases=databases)
        self._connection = connection
        self._restorers = restorers
        self._server = server
        self._schema = schema
        self._folder = folder
        self._file: BinaryIO | None = None
        self._load: Load | None = None

    async def load(self, dump: Contents) -> None:
        """Keep it until everything has arrived: the tables are locked while they are loaded."""
        self._file = self._opened(dump.size)
        async for chunk in dump.chunks():
            await asyncio.to_thread(_keep, self._file, chunk)

    def _opened(self, size: int) -> BinaryIO:
        """A file without a name. Raises `Refused` when the dump will not fit."""
        try:
            folder = str(self._folder or tempfile.gettempdir())
            free = shutil.disk_usage(folder).free
            if free < size:
                raise Refused(
                    f"restoring backup requires {size} bytes of free disk space for temporary files,"
                    f" but Central only has {free} bytes available"
                )
            # Unbuffered, so that a full volume is an error of the write and not of a later one.
            return tempfile.TemporaryFile(dir=folder, buffering=0)
        except OSError as error:
            raise Unavailable(
                f"no temporary file can be made for the dump: {error.strerror}; give Central a writable /tmp"
            ) from error

    async def finish(self) -> None:
        """Replace everything in one transaction."""
        if self._file is None:
            raise Refused("the backup has no dump")
        self._file.seek(0)
        self._load = await Load.start(
            self._restorers,
            self._connection.environment(),
            database=self._databases.active,
            server=self._server,
            script=inplace.script(schema=self._schema, known=self._databases.known),
            source=self._file,
        )
        await self._load.finish(fed=False)
        self._load = None
        self._close()

    async def abandon(self) -> None:
        """Roll back and forget the file."""
        if self._load is not None:
            await self._load.abandon()
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _keep(file: BinaryIO, chunk: bytes) -> None:
    """Write all of it. Raises `Refused` when that is impossible."""
    left = memoryview(chunk)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        raise Refused(f"the dump cannot be kept for the restore: {error.strerror}") from error


class Targets:
    """Chooses the target of a restore."""

    def __init__(
        self, *, databases: Databases, connection: Connection, programs: Programs, external: bool
    ) -> None:
        self._databases = databases
        self._connection = connection
        self._programs = programs
        self._external = external

    async def choose(self) -> Target:
        """A second database on a server of ours, else the active one.

        Raises `Unimplemented` when PostgreSQL's programs are missing.
        """
        server = await self._databases.server_major()
        restorers = await self._programs.restorers(server)
        schema = await self._databases.schema()
        separate = not self._external and await self._databases.may_create()
        kind = SeparateDatabase if separate else InPlace
        return kind(
            databases=self._databases,
            connection=self._connection,
            restorers=restorers,
            server=server,
            schema=schema,
        )
