"""Loads a dump into a database with pg_restore, all or nothing.

Two ways. Straight: pg_restore speaks to the server in one transaction, as upstream runs
it. As a script: pg_restore writes SQL, psql sends it, with statements of ours around it
in the same transaction; for loading in place, and where pg_restore sets a parameter that
an older server does not know. Nothing is committed unless both programs succeed.
"""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from services.central.backups.child import Child
from services.central.backups.errors import Refused
from services.central.backups.programs import Restorers, require

# Upstream's flags (`central/globaldb/v2backuprestore/restore`).
_FLAGS = ("--no-owner", "--clean", "--if-exists", "--exit-on-error", "-Fc")
# pg_restore from 17 on always writes this line; a server before 17 refuses it.
_TIMEOUT_SINCE = 17
_TIMEOUT_LINE = b"SET transaction_timeout = 0;\n"
# It stands among the settings at the head, before any object.
_HEAD_LINES = 40


@dataclass(frozen=True, slots=True)
class Script:
    """Statements before and after the dump's own, in the same transaction."""

    before: str = ""
    after: str = ""


class Load:
    """One run of pg_restore; made by `start`, ended by `finish` or `abandon`."""

    def __init__(self, restore: Child, psql: Child | None, feeder: asyncio.Task[str] | None) -> None:
        self._restore = restore
        self._psql = psql
        self._feeder = feeder

    @classmethod
    async def start(
        cls,
        restorers: Restorers,
        environment: Mapping[str, str],
        *,
        database: str,
        server: int,
        script: Script | None = None,
        source: BinaryIO | None = None,
    ) -> Load:
        """Start loading into the database, from a file or from what `feed` brings."""
        stdin = PIPE if source is None else source
        drop = restorers.major >= _TIMEOUT_SINCE > server
        if script is None and not drop:
            command = [str(restorers.pg_restore), "-d", database, *_FLAGS, "--single-transaction"]
            return cls(await Child.start(command, environment, stdin=stdin), None, None)
        # Found before anything starts, so that nothing has to be ended.
        program = require(restorers)
        restore = await Child.start(
            [restorers.pg_restore, "-f", "-", *_FLAGS], environment, stdin=stdin, stdout=PIPE
        )
        psql = await Child.start(_psql_command(program, database), environment, stdin=PIPE)
        feeder = asyncio.create_task(_hand_on(restore, psql, script or Script(), drop=drop))
        return cls(restore, psql, feeder)

    async def feed(self, data: bytes) -> None:
        """The next bytes of the dump. Raises `Refused` when the programs gave up."""
        if not await self._restore.write(data):
            await self.finish()
            raise Refused("Could not load the Postgres backup: pg_restore stopped before the dump's end")

    async def finish(self, *, fed: bool = True) -> None:
        """Wait until everything is committed. Raises `Refused` when nothing is."""
        if fed:
            await self._restore.close_input()
        problem = await self._feeder if self._feeder is not None else await self._restore.wait()
        if problem:
            raise Refused(f"Could not load the Postgres backup: {problem}")

    async def abandon(self) -> None:
        """End the programs; what was not committed is gone."""
        if self._feeder is not None:
            # Whoever sends the COMMIT stops first.
            self._feeder.cancel()
            await asyncio.gather(self._feeder, return_exceptions=True)
        if self._psql is not None:
            await self._psql.end()
        await self._restore.end()


def _psql_command(program: Path, database: str) -> list[str | Path]:
    return [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-"]


async def _hand_on(restore: Child, psql: Child, script: Script, *, drop: bool) -> str:
    """Send the script through psql and commit it; empty, or what went wrong.

    Without the COMMIT at the end psql's going away undoes everything, so a dump that
    breaks off halfway changes nothing.
    """
    going = await psql.write(f"BEGIN;\n{script.before}\n".encode())
    lines = _HEAD_LINES if drop else 0
    while lines and going:
        line = await restore.line()
        lines = 0 if line in {_TIMEOUT_LINE, b""} else lines - 1
        if line != _TIMEOUT_LINE:
            going = await psql.write(line)
    while going and (part := await restore.read()):
        going = await psql.write(part)
    if going and (problem := await restore.wait()):
        await psql.end()
        return problem
    if going:
        await psql.write(f"\n{script.after}\nCOMMIT;\n".encode())
    await psql.close_input()
    problem = await psql.wait()
    await restore.end()
    return problem
