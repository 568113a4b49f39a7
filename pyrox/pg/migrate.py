"""Numbered plain-SQL migrations: each file once, in order, in a transaction of its own.

Each process that owns a database runs a `Migrator` from its `main.py` before it serves.
Files are `NNNN_slug.sql` without gaps, never changed after release, forward only. A
first line `-- timeouts: lock=30s statement=10min` replaces the short defaults for that
file. It must not know whose schema it applies.
"""
# ruff: noqa: S608 - the name of the versions table is checked, every value is an argument

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from pyrox import log
from pyrox.errors import RoxError
from pyrox.pg.locks import advisory_key
from pyrox.pg.pool import Pool, Transaction

_LOG = log.get(__name__)
_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_TIMEOUTS = re.compile(r"-- timeouts: lock=(\w+) statement=(\w+)")
_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]*")
# A migration that must wait longer than this would stall the servers that still run.
LOCK_TIMEOUT = "4s"
STATEMENT_TIMEOUT = "5s"


class MigrationError(RoxError):
    """The files and the database do not fit together; a person must look."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """The sha256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def timeouts(self) -> tuple[str, str]:
        """Lock and statement timeout of this file."""
        found = _TIMEOUTS.match(self.sql)
        return (found[1], found[2]) if found else (LOCK_TIMEOUT, STATEMENT_TIMEOUT)


def read(directory: Traversable) -> tuple[Migration, ...]:
    """All migrations of a directory in order.

    Raises `MigrationError` for a gap, a repeated number or a misnamed SQL file.
    """
    found = []
    for entry in directory.iterdir():
        if not entry.name.endswith(".sql"):
            continue
        name = _FILE.fullmatch(entry.name)
        if not name:
            raise MigrationError(f"migration {entry.name}: expected NNNN_slug.sql")
        found.append(Migration(int(name[1]), entry.name, entry.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    for expected, migration in enumerate(found, start=1):
        if migration.number != expected:
            raise MigrationError(f"migration {migration.name}: number {expected} is missing or repeated")
    return tuple(found)


class Migrator:
    """Brings one schema to the newest version that the code knows."""

    def __init__(
        self, *, pool: Pool, directory: Traversable, versions_table: str = "schema_migrations"
    ) -> None:
        if not _TABLE_NAME.fullmatch(versions_table):
            raise ValueError(f"versions table {versions_table!r} is no plain name")
        self._pool = pool
        self._migrations = read(directory)
        self._table = versions_table

    @property
    def newest(self) -> int:
        """The number of the last migration that the code has."""
        return len(self._migrations)

    async def run(self) -> int:
        """Apply what is missing; how many files that were.

        Only one process at a time works; the others wait and then find nothing to do.
        Raises `MigrationError` when a file was changed after it was applied, or when
        the database is newer than the code.
        """
        async with self._pool.transaction() as tx:
            await self._lock(tx)
            self._verify(await self._applied(tx))
        count = 0
        for migration in self._migrations:
            async with self._pool.transaction() as tx:
                await self._lock(tx)
                if migration.number in await self._applied(tx):
                    continue
                await self._apply(tx, migration)
            count += 1
            _LOG.info("migration applied", file=migration.name)
        return count

    async def _apply(self, tx: Transaction, migration: Migration) -> None:
        lock, statement = migration.timeouts
        await tx.execute("SELECT set_config('lock_timeout', $1, true)", lock)
        await tx.execute("SELECT set_config('statement_timeout', $1, true)", statement)
        await tx.script(migration.sql)
        sql = f"INSERT INTO {self._table} (number, name, sha256) VALUES ($1, $2, $3)"
        await tx.execute(sql, migration.number, migration.name, migration.digest)

    async def _lock(self, tx: Transaction) -> None:
        await tx.execute("SELECT pg_advisory_xact_lock($1)", advisory_key(self._table))

    async def _applied(self, tx: Transaction) -> dict[int, str]:
        """Number and digest of every migration in the database."""
        await tx.execute(
            f"CREATE TABLE IF NOT EXISTS {self._table} (number integer PRIMARY KEY, name text NOT NULL,"
            " sha256 text NOT NULL, applied timestamptz NOT NULL DEFAULT now())"
        )
        rows = await tx.fetch(f"SELECT number, sha256 FROM {self._table}")
        return {row["number"]: row["sha256"] for row in rows}

    def _verify(self, applied: dict[int, str]) -> None:
        newer = [number for number in applied if number > self.newest]
        if newer:
            raise MigrationError(
                f"the database is at version {max(newer)}, this program knows {self.newest};"
                " install the newer release"
            )
        for migration in self._migrations:
            if applied.get(migration.number, migration.digest) != migration.digest:
                raise MigrationError(
                    f"migration {migration.name} was changed after it was applied; restore the file"
                )
