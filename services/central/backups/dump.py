"""Runs pg_dump and hands on what it writes.

`export.py` puts the bytes into the archive.
"""

from __future__ import annotations

from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from pyrox.errors import Unavailable
from services.central.backups.child import Child


class Dump:
    """A dump that is being written; made by `dumping`."""

    def __init__(self, child: Child, first: bytes) -> None:
        self._child = child
        self._first = first

    async def chunks(self) -> AsyncIterator[bytes]:
        """All bytes. Raises `Unavailable` when pg_dump fails at the end."""
        yield self._first
        while part := await self._child.read():
            yield part
        if problem := await self._child.wait():
            raise Unavailable(f"backing up postgres: {problem}")


@asynccontextmanager
async def dumping(program: Path, environment: Mapping[str, str], database: str) -> AsyncIterator[Dump]:
    """A running pg_dump that has begun to write, gone when the block ends.

    Raises `Unavailable` when it cannot even begin.
    """
    child = await Child.start([program, "-d", database, "-Fc"], environment, stdout=PIPE)
    try:
        first = await child.read()
        if not first:
            raise Unavailable(f"backing up postgres: {await child.wait() or 'pg_dump wrote nothing'}")
        yield Dump(child, first)
    finally:
        await child.end()
