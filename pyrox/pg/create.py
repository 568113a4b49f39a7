"""Makes the database of a managed server, which begins with none but its own.

`Pool.connect` calls it where the server is the installation's; on a user's server the
database is the user's to make.
"""

from __future__ import annotations

import asyncpg

from pyrox import log
from pyrox.errors import NotAuthorized
from pyrox.pg.errors import translated
from pyrox.pg.settings import Settings

_LOG = log.get(__name__)
# The database that every server has, for such as want to make another one.
_MAINTENANCE = "postgres"


async def create_database(settings: Settings) -> None:
    """Make the database of these settings; one that another program has just made is as good.

    Raises `NotAuthorized` when the account may not.
    """
    options = settings.driver_options() | {"database": _MAINTENANCE}
    with translated():
        connection = await asyncpg.connect(**options)
    try:
        with translated():
            statement = await connection.fetchval(
                "SELECT format('CREATE DATABASE %I ENCODING ''UTF8'' TEMPLATE template0', $1::text)",
                settings.database,
            )
            await _unless_made(connection, statement, settings)
    finally:
        await connection.close()
    _LOG.info("database created", database=settings.database)


async def _unless_made(
    connection: asyncpg.Connection[asyncpg.Record], statement: str, settings: Settings
) -> None:
    try:
        await connection.execute(statement)
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        # Another replica was faster; the second error is what two at the same moment get.
        return
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotAuthorized(
            f"database {settings.database!r} is missing and {settings.user!r} may not create it: create it, "
            "or grant CREATEDB"
        ) from error
