"""Pods in Central DB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyrox.pb.storage.deployment_pb2 import Pod
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.reader import Reader
from services.central.db.store import ProtoStore


class PodStore(Reader[Pod]):
    """Pods. Every read takes the caller's scope."""

    # Upstream central/pod/service: the most that one list shows.
    LIMIT = 1000

    def __init__(self, *, pool: Pool) -> None:
        super().__init__(pool=pool, stored=ProtoStore(pool=pool, table=tables.PODS))

    async def per_deployment(
        self, deployment_ids: Sequence[str], *, scope: Scope, tx: Database | None = None
    ) -> Mapping[str, int]:
        """How many pods each of the deployments has; those without any are missing."""
        query = Query.exact("Deployment ID", *deployment_ids)
        rows = await self._stored.group_count(["Deployment ID"], query, scope=scope, tx=tx)
        return {str(row[0]): int(row[1]) for row in rows}
