"""Programs of PostgreSQL that are newer than the server, and their failures halfway."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pyrox.pg.settings import Settings
from services.central.backups import inplace
from services.central.backups.dump import dumping
from services.central.backups.errors import Refused
from services.central.backups.load import Load, Script
from services.central.backups.programs import Connection, Programs, Restorers
from services.local import postgres
from tests.support import pg
from tests.support.rows import rows_of, run_sql
from tests.support.tls_postgres import PASSWORD, plain_postgres

pytestmark = [pytest.mark.needs("debian_postgres", "postgres"), pytest.mark.timeout(120)]
SERVER = 15


@pytest.fixture(scope="module")
def newer() -> Path:
    """The folder of the embedded server's programs, which are of version 18."""
    return postgres.find_binaries()


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A server of version 15 with a database that Central has migrated."""
    with plain_postgres() as source:
        admin = Settings.from_source(source, password=PASSWORD)
        run_sql(admin, "CREATE DATABASE central_active", "CREATE DATABASE central_restore")
        pg.outside(pg.migrate(replace(admin, database="central_active"), "services.central.migrations"))
        yield Connection(source, PASSWORD)


@pytest.fixture
def active(connection: Connection) -> Settings:
    settings = Settings.from_source(connection.source, password=PASSWORD)
    return replace(settings, database="central_active")


@pytest.fixture
def restored(active: Settings) -> Settings:
    run_sql(active, "DROP DATABASE central_restore WITH (FORCE)", "CREATE DATABASE central_restore")
    return replace(active, database="central_restore")


async def dumped(connection: Connection, program: Path) -> bytes:
    async with dumping(program, connection.environment(), "central_active") as dump:
        return b"".join([chunk async for chunk in dump.chunks()])


async def loaded(connection: Connection, restorers: Restorers, dump: bytes, *, server: int = SERVER) -> None:
    load = await Load.start(restorers, connection.environment(), database="central_restore", server=server)
    try:
        for start in range(0, len(dump), 10_000):
            await load.feed(dump[start : start + 10_000])
        await load.finish()
    except Refused:
        await load.abandon()
        raise


async def test_newer_pg_restore_loads_into_an_older_server(
    connection: Connection, newer: Path, active: Settings, restored: Settings
) -> None:
    programs = Programs([newer])
    dump = await dumped(connection, await programs.pg_dump(SERVER))
    restorers = await programs.restorers(SERVER)
    assert restorers.major >= 17
    # Straight, the server refuses a setting that it does not know.
    with pytest.raises(Refused, match='unrecognized configuration parameter "transaction_timeout"'):
        await loaded(connection, restorers, dump, server=restorers.major)
    await loaded(connection, restorers, dump)
    found = await asyncio.to_thread(rows_of, restored)
    assert found == await asyncio.to_thread(rows_of, active)
    assert len(found["schema_migrations"]) >= 3


async def test_script_whose_dump_breaks_off_is_rolled_back(
    connection: Connection, newer: Path, restored: Settings
) -> None:
    programs = Programs([newer])
    dump = await dumped(connection, await programs.pg_dump(SERVER))
    with pytest.raises(Refused, match="Could not load the Postgres backup: pg_restore ended with code 1"):
        await loaded(connection, await programs.restorers(SERVER), dump[: len(dump) * 2 // 3])
    assert await asyncio.to_thread(rows_of, restored) == {}


@pytest.mark.parametrize("folder", ["newer", "same"])
async def test_dump_of_a_schema_that_nobody_knows_is_not_loaded_in_place(
    connection: Connection, newer: Path, active: Settings, tmp_path: Path, folder: str
) -> None:
    programs = Programs([newer if folder == "newer" else Path("/usr/lib/postgresql/15/bin")])
    before = await asyncio.to_thread(rows_of, active)
    file = tmp_path / "dump"
    file.write_bytes(await dumped(connection, await programs.pg_dump(SERVER)))
    script = inplace.script(schema="public", known={1: "another digest"})
    with file.open("rb") as source:
        load = await Load.start(
            await programs.restorers(SERVER),
            connection.environment(),
            database="central_active",
            server=SERVER,
            script=script,
            source=source,
        )
        with pytest.raises(Refused, match="a migration of the backup is not one that this release knows"):
            await load.finish(fed=False)
        await load.abandon()
    assert await asyncio.to_thread(rows_of, active) == before


async def test_load_that_is_abandoned_leaves_nothing_behind(
    connection: Connection, newer: Path, restored: Settings
) -> None:
    programs = Programs([newer])
    dump = await dumped(connection, await programs.pg_dump(SERVER))
    load = await Load.start(
        await programs.restorers(SERVER),
        connection.environment(),
        database="central_restore",
        server=SERVER,
        script=Script(before="CREATE TABLE left_over ();"),
    )
    await load.feed(dump[:20_000])
    await load.abandon()
    assert await asyncio.to_thread(rows_of, restored) == {}


async def test_wrong_password_is_told_without_the_password(connection: Connection) -> None:
    wrong = replace(connection, password="not-the-secret")
    programs = Programs([Path("/usr/lib/postgresql/15/bin")])
    with pytest.raises(Refused) as caught:
        await loaded(wrong, await programs.restorers(SERVER), b"")
    assert "not-the-secret" not in caught.value.message
    with pytest.raises(Exception, match="password authentication failed") as refused:
        await dumped(wrong, await programs.pg_dump(SERVER))
    assert "not-the-secret" not in str(refused.value)
