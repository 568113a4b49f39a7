"""The connection pool of one process: connect with retry, statements, transactions, COPY.

Stores receive a `Pool` (or the `Database` protocol, which a transaction also has) and
never see the driver. Errors are `pyrox.errors` only. It must not know any table.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal, Protocol

import asyncpg
import orjson

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import DeadlinePassed, RoxError, Unavailable
from pyrox.pg.create import create_database
from pyrox.pg.errors import AWAY, Missing, Refused, translated
from pyrox.pg.settings import Settings

Row = asyncpg.Record
Isolation = Literal["read_committed", "repeatable_read", "serializable"]
_LOG = log.get(__name__)
# Pauses between attempts to connect: doubling from the first to the last value.
FIRST_PAUSE = 0.2
LAST_PAUSE = 5.0
ACQUIRE_SECONDS = 30.0


class Database(Protocol):
    """What runs statements: the pool (each in its own transaction) or one transaction."""

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """All rows."""

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """The first row, or None."""

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or None."""

    async def execute(self, sql: str, *args: object) -> int:
        """Run a statement; the number of rows that it touched."""

    async def fetchmany(self, sql: str, rows: Iterable[Sequence[object]]) -> list[Row]:
        """Run one statement per row in one round trip, all or none; what they return."""

    async def copy_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Append rows by COPY."""


def _touched(tag: str) -> int:
    """The row count at the end of a command tag such as `UPDATE 3`."""
    last = tag.rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else 0


class Transaction:
    """Statements on one connection; made by `Pool.transaction` only."""

    def __init__(self, connection: asyncpg.pool.PoolConnectionProxy[Row]) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """All rows."""
        with translated():
            return await self._connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """The first row, or None."""
        with translated():
            return await self._connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        with translated():
            return await self._connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> int:
        """Run a statement; the number of rows that it touched."""
        with translated():
            return _touched(await self._connection.execute(sql, *args))

    async def script(self, sql: str) -> None:
        """Run several statements without arguments."""
        with translated():
            await self._connection.execute(sql)

    async def fetchmany(self, sql: str, rows: Iterable[Sequence[object]]) -> list[Row]:
        """Run one statement per row in one round trip, all or none; what they return."""
        with translated():
            return await self._connection.fetchmany(sql, rows)

    async def copy_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Append rows by COPY."""
        if rows:
            with translated():
                await self._connection.copy_records_to_table(table, records=rows, columns=columns)

    async def copy_file(self, table: str, columns: Sequence[str], file: Path) -> None:
        """Append rows from a file in PostgreSQL's binary COPY form."""
        with translated():
            await self._connection.copy_to_table(table, source=file, columns=columns, format="binary")


async def _set_codecs(connection: asyncpg.Connection[Row]) -> None:
    """JSON columns take and give Python values."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
    )


class Pool:
    """A pool of connections that is also a `Component` of its process."""

    name = "database"

    def __init__(self, *, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._pool: asyncpg.Pool[Row] | None = None

    @property
    def settings(self) -> Settings:
        """Where it connects and how."""
        return self._settings

    async def run(self, ready: Callable[[], None]) -> None:
        """Connect, with retry for as long as it takes, then hold the pool until cancelled."""
        await self.connect(attempts=None)
        ready()
        try:
            await asyncio.Event().wait()
        finally:
            await self.close()

    async def connect(self, *, attempts: int | None = 1, create: bool = False) -> None:
        """Open the pool unless it is open; with `create`, make the database if it is missing.

        Raises `Refused` when the account is not let in, else `Unavailable` after that many
        failed attempts; None means try for ever.
        """
        pause, tried, told = FIRST_PAUSE, 0, ""
        while self._pool is None:
            try:
                self._pool = await self._open_or_create() if create else await self._open()
            except Refused as error:
                raise Refused(self._failure(error)) from error
            except (Unavailable, DeadlinePassed) as error:
                tried += 1
                failure = self._failure(error)
                if tried == attempts:
                    raise type(error)(failure) from error
                if failure != told:
                    _LOG.warning("database not reachable, trying again", reason=failure)
                told = failure
                await self._clock.sleep(pause)
                pause = min(pause * 2, LAST_PAUSE)
        if told:
            _LOG.info("database reached", attempts=tried + 1)

    def _failure(self, error: RoxError) -> str:
        """For the log and the end of a start: where it was to connect, and what the driver says."""
        where = f"database {self._settings.database!r} at {self._settings.host}:{self._settings.port}"
        cause = error.__cause__
        return f"{where}: {error.message if cause is None else str(cause) or type(cause).__name__}"

    async def _open_or_create(self) -> asyncpg.Pool[Row]:
        try:
            return await self._open()
        except Missing:
            await create_database(self._settings)
            return await self._open()

    async def _open(self) -> asyncpg.Pool[Row]:
        options = self._settings.driver_options()
        with translated():
            pool = await asyncpg.create_pool(
                min_size=self._settings.min_size,
                max_size=self._settings.max_size,
                init=_set_codecs,
                **options,
            )
        try:
            with translated():
                await pool.fetchval("SELECT 1")
        except BaseException:
            pool.terminate()
            raise
        return pool

    async def close(self) -> None:
        """Close all connections; those in use are given a few seconds."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            await asyncio.wait_for(pool.close(), timeout=5)
        except TimeoutError:
            pool.terminate()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy[Row]]:
        """One connection outside any transaction, for `pyrox.pg` itself."""
        pool = self._pool
        if pool is None:
            raise Unavailable(AWAY)
        with translated():
            connection = await pool.acquire(timeout=ACQUIRE_SECONDS)
        try:
            yield connection
        except BaseException:
            # What ended the block is what counts, above all a cancellation.
            with suppress(RoxError), translated():
                await pool.release(connection)
            raise
        with translated():
            await pool.release(connection)

    @asynccontextmanager
    async def transaction(
        self, *, isolation: Isolation = "read_committed", readonly: bool = False
    ) -> AsyncIterator[Transaction]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        async with self.session() as connection:
            inner = connection.transaction(isolation=isolation, readonly=readonly)
            with translated():
                await inner.start()
            try:
                yield Transaction(connection)
            except BaseException:
                await _roll_back(inner)
                raise
            with translated():
                await inner.commit()

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """All rows."""
        async with self.session() as connection:
            return await Transaction(connection).fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """The first row, or None."""
        async with self.session() as connection:
            return await Transaction(connection).fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        async with self.session() as connection:
            return await Transaction(connection).fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> int:
        """Run a statement; the number of rows that it touched."""
        async with self.session() as connection:
            return await Transaction(connection).execute(sql, *args)

    async def fetchmany(self, sql: str, rows: Iterable[Sequence[object]]) -> list[Row]:
        """Run one statement per row in one round trip, all or none; what they return."""
        async with self.session() as connection:
            return await Transaction(connection).fetchmany(sql, rows)

    async def copy_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Append rows by COPY."""
        async with self.session() as connection:
            await Transaction(connection).copy_rows(table, columns, rows)


async def _roll_back(transaction: asyncpg.transaction.Transaction) -> None:
    """Roll back; a connection that is gone has been rolled back by the server."""
    try:
        with translated():
            await transaction.rollback()
    except RoxError as error:
        _LOG.debug("roll back not possible", cause=repr(error.__cause__))
