"""All rows of all tables of a database, to compare two states of it."""

from __future__ import annotations

from pyrox.clock import SystemClock
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support.pg import outside

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


def rows_of(settings: Settings) -> dict[str, list[str]]:
    """Each table's rows as text, in an order of their own."""
    return outside(_rows(settings))


def run_sql(settings: Settings, *statements: str) -> None:
    """Run statements, each by itself."""
    outside(_run(settings, statements))


def value_of(settings: Settings, sql: str) -> object:
    """The first value of the first row."""
    return outside(_value(settings, sql))


async def _rows(settings: Settings) -> dict[str, list[str]]:
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        found = {}
        for table in [row["tablename"] for row in await pool.fetch(_TABLES)]:
            rows = await pool.fetch(f"SELECT t::text AS line FROM {table} AS t")  # noqa: S608 - a name of the catalog
            found[table] = sorted(row["line"] for row in rows)
        return found
    finally:
        await pool.close()


async def _run(settings: Settings, statements: tuple[str, ...]) -> None:
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        for statement in statements:
            await pool.execute(statement)
    finally:
        await pool.close()


async def _value(settings: Settings, sql: str) -> object:
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        found: object = await pool.fetchval(sql)
        return found
    finally:
        await pool.close()
