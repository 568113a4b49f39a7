"""Makes a backup: a ZIP that is written while it is read by the client.

The routes ask for one. The order of the files is that in which a restore checks them:
version and size first, then the dump, keys last.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Exhausted, RoxError, Unavailable
from pyrox.rpc.call import Identity
from services.central.backups import formats
from services.central.backups.archive import Archive
from services.central.backups.databases import Databases
from services.central.backups.dump import dumping
from services.central.backups.programs import Connection, Programs
from services.central.backups.store import BackupStore
from services.central.backups.versions import SchemaVersion, render

_LOG = log.get(__name__)
# Each is a pg_dump and a connection; more at a time only slow each other down.
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where the keys of the installation are."""

    certs: Path
    jwt: Path

    def read(self) -> dict[str, bytes]:
        """The keys by their names in the backup. Raises `Unavailable` naming the file."""
        der = self.jwt / "jwt-key.der"
        jwt = (formats.JWT_DER, der) if der.exists() else (formats.JWT_PEM, self.jwt / "jwt-key.pem")
        wanted = ((formats.CA, self.certs / "ca.pem"), (formats.CA_KEY, self.certs / "ca-key.pem"), jwt)
        found: dict[str, bytes] = {}
        for name, path in wanted:
            try:
                found[name] = path.read_bytes()
            except OSError as error:
                raise Unavailable(f"backing up certificates: {path}: {error.strerror}") from error
        return found


class Backups:
    """Makes backups."""

    def __init__(
        self,
        *,
        databases: Databases,
        connection: Connection,
        programs: Programs,
        secrets: Secrets,
        store: BackupStore,
        clock: Clock,
    ) -> None:
        self._databases = databases
        self._connection = connection
        self._programs = programs
        self._secrets = secrets
        self._store = store
        self._clock = clock
        self._running = 0

    def file_name(self) -> str:
        """The name that the client is told (upstream `central/globaldb/handlers`)."""
        return self._clock.now().strftime("postgres_db_%Y_%m_%d_%H_%M_%S.sql.zip")

    async def keys(self) -> AsyncGenerator[bytes, None]:
        """A backup of the keys alone."""
        archive = Archive(self._clock.now())
        for name, content in self._secrets.read().items():
            archive.add(name, content)
        archive.close()
        yield archive.ready()

    async def database(self, *, keys: bool, by: Identity) -> AsyncGenerator[bytes, None]:
        """A backup of the database, with or without the keys.

        The first bytes come when the dump has begun to flow, so that what stands in its
        way is an error and not a broken download.
        """
        if self._running >= _AT_ONCE:
            raise Exhausted(f"{_AT_ONCE} backups are being made; try again when one has ended")
        self._running += 1
        succeeded = False
        try:
            async with aclosing(self._whole(keys=keys)) as parts:
                async for part in parts:
                    yield part
            succeeded = True
        except RoxError as error:
            _LOG.error("backup failed", reason=error.message)
            raise
        finally:
            self._running -= 1
            await self._remember(succeeded, by)

    async def _remember(self, succeeded: bool, by: Identity) -> None:
        try:
            await self._store.keep(moment=self._clock.now(), succeeded=succeeded, by=by)
        except RoxError as error:
            _LOG.warning("the outcome of a backup is not kept", error=error.message)

    async def _whole(self, *, keys: bool) -> AsyncGenerator[bytes, None]:
        server = await self._databases.server_major()
        program = await self._programs.pg_dump(server)
        secrets = self._secrets.read() if keys else {}
        archive = Archive(self._clock.now())
        version = SchemaVersion(number=await self._databases.applied(), persisted=self._clock.now())
        archive.add(formats.VERSION, render(version))
        archive.add(formats.SIZE, str(await self._databases.size()).encode())
        environment = self._connection.environment()
        async with dumping(program, environment, self._databases.active) as dump:
            with archive.member(formats.DUMP) as member:
                async for chunk in dump.chunks():
                    member.write(chunk)
                    yield archive.ready()
        for name, content in secrets.items():
            archive.add(name, content)
        if keys:
            archive.add(formats.PASSWORD, self._connection.password.encode())
        archive.close()
        yield archive.ready()
