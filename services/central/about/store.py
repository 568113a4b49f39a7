"""What the database says about itself and about this installation."""

from __future__ import annotations

from uuid import uuid4

from pyrox.clock import Clock
from pyrox.pb.storage.installation_pb2 import InstallationInfo
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.db import tables
from services.central.db.store import ProtoStore


class DatabaseVersion:
    """Facts of the database server."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

    async def server_version(self) -> str:
        """The server's version text, as `SHOW server_version` gives it."""
        return str(await self._pool.fetchval("SHOW server_version"))


class Installation:
    """The identity of this Central, made once with its database."""

    def __init__(self, *, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._infos: ProtoStore[InstallationInfo] = ProtoStore(pool=pool, table=tables.INSTALLATION_INFOS)
        self._clock = clock
        self.id = ""
        """A UUID; empty before `load`."""

    async def load(self) -> None:
        """Read the identity, or make it on a new database; of several replicas one makes it."""
        async with self._pool.transaction() as tx:
            await tx.execute("LOCK TABLE installation_infos IN SHARE ROW EXCLUSIVE MODE")
            found = await self._infos.find(scope=EVERYTHING, tx=tx)
            if not found:
                info = InstallationInfo(id=str(uuid4()))
                info.created.FromDatetime(self._clock.now())
                await self._infos.upsert(info, tx=tx)
                found = [info]
        self.id = found[0].id
