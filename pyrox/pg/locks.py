"""Who may do what among the replicas of a process: advisory locks and leases.

Background jobs run under `advisory`; the Sensor connections of Central under `Leases`.
Both end when their holder dies: the lock with its connection, the lease with its time.
"""
# ruff: noqa: S608 - the name of the lease table is checked, every value is an argument

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from pyrox.pg.pool import Pool

_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]*")


def advisory_key(name: str) -> int:
    """The 64-bit key of a named lock, the same in every process."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


@asynccontextmanager
async def advisory(pool: Pool, name: str) -> AsyncIterator[bool]:
    """Try to hold a named lock for the block; yields whether it was free.

    The lock belongs to a transaction, so it works behind PgBouncer as well, and its
    holder's death frees it. The block must not last longer than a statement may idle.
    """
    async with pool.transaction() as tx:
        yield bool(await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", advisory_key(name)))


class Leases:
    """Named things that one holder has for a limited time."""

    def __init__(self, *, pool: Pool, holder: str, table: str = "leases") -> None:
        if not _TABLE_NAME.fullmatch(table):
            raise ValueError(f"lease table {table!r} is no plain name")
        self._pool = pool
        self._holder = holder
        self._take_sql = (
            f"INSERT INTO {table} AS l (name, holder, expires) VALUES ($1, $2, now() + $3::interval)"
            " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires = excluded.expires"
            " WHERE l.holder = excluded.holder OR l.expires < now() RETURNING name"
        )
        self._steal_sql = (
            f"INSERT INTO {table} (name, holder, expires) VALUES ($1, $2, now() + $3::interval)"
            " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires = excluded.expires"
        )
        self._holder_sql = f"SELECT holder FROM {table} WHERE name = $1 AND expires >= now()"
        self._release_sql = f"DELETE FROM {table} WHERE name = $1 AND holder = $2"

    async def take(self, name: str, duration: timedelta) -> bool:
        """Take or renew; False when another holder has it and its time is not over."""
        return await self._pool.fetchval(self._take_sql, name, self._holder, duration) is not None

    async def steal(self, name: str, duration: timedelta) -> None:
        """Take it whoever has it, as a Sensor does that connects anew elsewhere."""
        await self._pool.execute(self._steal_sql, name, self._holder, duration)

    async def holder(self, name: str) -> str | None:
        """Who has it now, or None."""
        found: str | None = await self._pool.fetchval(self._holder_sql, name)
        return found

    async def release(self, name: str) -> bool:
        """Give it back; whether it was ours."""
        return bool(await self._pool.execute(self._release_sql, name, self._holder))
