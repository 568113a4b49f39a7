"""The databases of one server: the active one, the restored one, the one before.

Names are upstream's (`central_active`, `central_restore`, `central_backup`). A restored
database takes the active one's place at Central's next start, before anything connects
to it; what was active is kept. It must not know backups' files.
"""
# ruff: noqa: S608 - names of databases are checked and quoted, every value is an argument

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError, Unavailable
from pyrox.pg.migrate import Migration
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from services.central.backups.errors import Refused

_LOG = log.get(__name__)
ADMIN = "postgres"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$-]{0,50}")
_SWAP_TRIES = 20
_EXISTS = "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)"
_IN_USE = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = $1)"
_MAY_CREATE = (
    "SELECT r.rolsuper OR (r.rolcreatedb AND pg_has_role(d.datdba, 'USAGE'))"
    " FROM pg_roles AS r, pg_database AS d WHERE r.rolname = current_user AND d.datname = $1"
)
_MAY_RUN = "SELECT pg_has_role('pg_execute_server_program', 'USAGE')"
_END_OTHERS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = $1 AND pid <> pg_backend_pid()"
)
# The server works in its data directory, whose volume is the one that fills up.
_FREE_SPACE = "COPY volumes FROM PROGRAM 'df -kP .'"
_PERCENT = re.compile(r"\s(\d+)\s+\d+%\s")


class Databases:
    """One server as Central's account sees it."""

    def __init__(self, *, settings: Settings, clock: Clock, migrations: Sequence[Migration]) -> None:
        self._settings = settings
        self._clock = clock
        self._known = {migration.number: migration.digest for migration in migrations}
        stem = settings.database.removesuffix("_active")
        self.active = settings.database
        self.restored = f"{stem}_restore"
        self.kept = f"{stem}_backup"

    @property
    def newest(self) -> int:
        """The last migration that this release knows."""
        return max(self._known)

    @property
    def known(self) -> dict[int, str]:
        """Number and digest of every migration."""
        return dict(self._known)

    async def server_major(self) -> int:
        """The server's major version."""
        async with self._connected(self.active) as pool:
            return int(await pool.fetchval("SELECT current_setting('server_version_num')")) // 10000

    async def schema(self) -> str:
        """The schema in which Central's tables are."""
        async with self._connected(self.active) as pool:
            return str(await pool.fetchval("SELECT coalesce(current_schema(), 'public')"))

    async def applied(self) -> int:
        """The last migration of the active database."""
        async with self._connected(self.active) as pool:
            return int(await pool.fetchval("SELECT max(number) FROM schema_migrations"))

    async def size(self) -> int:
        """Bytes of the active database."""
        async with self._connected(self.active) as pool:
            return int(await pool.fetchval("SELECT pg_database_size(current_database())"))

    async def may_create(self) -> bool:
        """Whether the account may make databases and rename the active one."""
        try:
            async with self._connected(ADMIN) as pool:
                return bool(await pool.fetchval(_MAY_CREATE, self.active))
        except RoxError as error:
            _LOG.info("the server's own database is not open to this account", error=error.message)
            return False

    async def free_bytes(self) -> int | None:
        """Free space of the server's volume; None when the account may not ask."""
        async with self._connected(self.active) as pool:
            if not await pool.fetchval(_MAY_RUN):
                return None
            try:
                async with pool.transaction() as tx:
                    await tx.execute("CREATE TEMP TABLE volumes (line text) ON COMMIT DROP")
                    await tx.execute(_FREE_SPACE)
                    lines = [row["line"] for row in await tx.fetch("SELECT line FROM volumes")]
            except RoxError as error:
                _LOG.warning("free space of the database volume is not known", error=error.message)
                return None
        found = _PERCENT.search(f"{lines[-1]} ") if lines else None
        return int(found[1]) * 1024 if found else None

    async def create_restored(self) -> None:
        """An empty database to restore into; what an earlier restore left there is gone."""
        async with self._connected(ADMIN) as pool:
            await pool.execute(f"DROP DATABASE IF EXISTS {_quoted(self.restored)} WITH (FORCE)")
            await pool.execute(f"CREATE DATABASE {_quoted(self.restored)} ENCODING 'UTF8' TEMPLATE template0")

    async def drop_restored(self) -> None:
        """Remove what was restored."""
        async with self._connected(ADMIN) as pool:
            await pool.execute(f"DROP DATABASE IF EXISTS {_quoted(self.restored)} WITH (FORCE)")

    async def check_restored(self, schema: str) -> None:
        """Raise `Refused` unless the restored database is one that this release can run on."""
        table = f"{_quoted(schema)}.schema_migrations"
        async with self._connected(self.restored) as pool:
            if await pool.fetchval("SELECT to_regclass($1)", table) is None:
                raise Refused("the backup holds no database of Central")
            rows = await pool.fetch(f"SELECT number, sha256 FROM {table}")
        if not rows:
            raise Refused("the backup holds no database of Central")
        for row in rows:
            if self._known.get(row["number"]) != row["sha256"]:
                raise Refused(f"migration {row['number']} of the backup is not one that this release knows")

    async def analyze_restored(self) -> None:
        """Gather statistics, which no dump contains; without them the server gathers its own later."""
        try:
            async with self._connected(self.restored) as pool:
                await pool.execute("ANALYZE")
        except RoxError as error:
            _LOG.warning("no statistics of the restored database", error=error.message)

    async def waiting(self) -> bool:
        """Whether a restored database waits to be adopted.

        One that another replica is still loading does not.
        """
        async with self._connected(self.active) as pool:
            if not await pool.fetchval(_EXISTS, self.restored):
                return False
            if await pool.fetchval(_IN_USE, self.restored):
                _LOG.warning("a restore is going on elsewhere", database=self.restored)
                return False
        return True

    async def adopt(self) -> bool:
        """Put the restored database into the active one's place; whether it could be used.

        Call it before anything connects to the active database. What cannot be used is
        dropped.
        """
        try:
            await self.check_restored("public")
        except Refused as error:
            _LOG.error("restored database dropped", database=self.restored, reason=error.message)
            await self.drop_restored()
            return False
        await self._swap()
        _LOG.info("restored database is active now", database=self.active, before=self.kept)
        return True

    async def _swap(self) -> None:
        async with self._connected(ADMIN) as pool:
            await pool.execute(f"DROP DATABASE IF EXISTS {_quoted(self.kept)} WITH (FORCE)")
            for _ in range(_SWAP_TRIES):
                try:
                    await self._rename(pool)
                except RoxError as error:
                    # Another replica connected again between the two statements.
                    _LOG.info("database still in use", database=self.active, error=error.message)
                    await self._clock.sleep(0.5)
                else:
                    return
        raise Unavailable(
            f"the restored database {self.restored} cannot take the place of {self.active}, which others use;"
            " stop the other replicas of Central"
        )

    async def _rename(self, pool: Pool) -> None:
        async with pool.transaction() as tx:
            if await tx.fetchval(_EXISTS, self.active):
                await tx.fetchval(_END_OTHERS, self.active)
                await tx.execute(f"ALTER DATABASE {_quoted(self.active)} RENAME TO {_quoted(self.kept)}")
            await tx.fetchval(_END_OTHERS, self.restored)
            await tx.execute(f"ALTER DATABASE {_quoted(self.restored)} RENAME TO {_quoted(self.active)}")

    @asynccontextmanager
    async def _connected(self, database: str) -> AsyncIterator[Pool]:
        """A connection of its own: the pool of Central may be busy with requests."""
        settings = replace(self._settings, database=database, min_size=0, max_size=1)
        pool = Pool(settings=settings, clock=self._clock)
        await pool.connect()
        try:
            yield pool
        finally:
            await pool.close()


def _quoted(name: str) -> str:
    """The name as SQL. Raises `Unavailable` for one that no installation has."""
    if not _NAME.fullmatch(name):
        raise Unavailable(f"database name {name!r}: only letters, digits, _, - and $ can be restored")
    return f'"{name}"'
