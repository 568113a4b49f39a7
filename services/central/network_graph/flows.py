"""Network flows in Central DB: one row a flow, open ones without an end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pyrox.pg.pool import Database, Pool, Row
from services.central.network_graph.flow import Entity, Flow, Key

_UPSERT = """
INSERT INTO network_flows (
    clusterid, source_type, source_id, target_type, target_id, port, protocol, last_seen, updated_at)
SELECT $1::uuid, row.*, $9::timestamptz
  FROM unnest($2::int[], $3::text[], $4::int[], $5::text[], $6::bigint[], $7::int[], $8::timestamptz[]) AS row
ON CONFLICT (clusterid, source_type, source_id, target_type, target_id, port, protocol) DO UPDATE
   SET last_seen = excluded.last_seen, updated_at = excluded.updated_at
"""
_OPEN = """
SELECT source_type, source_id, target_type, target_id, port, protocol
  FROM network_flows WHERE clusterid = $1 AND last_seen IS NULL
"""
_LAST_UPDATE = "SELECT max(updated_at) FROM network_flows WHERE clusterid = $1"
_SINCE = """
SELECT source_type, source_id, target_type, target_id, port, protocol, last_seen
  FROM network_flows WHERE clusterid = $1 AND (last_seen IS NULL OR last_seen >= $2)
"""
# Flows of deployments (type 1) that are gone, in slices so that no transaction grows long.
_ORPHANS = """
DELETE FROM network_flows WHERE ctid = ANY(ARRAY(
    SELECT flow.ctid FROM network_flows AS flow
     WHERE flow.updated_at < now() - $1::interval
       AND (CASE WHEN flow.source_type = 1
                 THEN NOT EXISTS (SELECT 1 FROM deployments WHERE id = flow.source_id::uuid) END
         OR CASE WHEN flow.target_type = 1
                 THEN NOT EXISTS (SELECT 1 FROM deployments WHERE id = flow.target_id::uuid) END)
     LIMIT $2))
"""


class FlowStore:
    """The flows of all clusters. Callers filter by scope: flows have no namespace of their own."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

    async def upsert(
        self, cluster_id: str, flows: Mapping[Key, datetime | None], now: datetime, *, tx: Database
    ) -> None:
        """Write the flows with their ends."""
        if not flows:
            return
        # One order for all writers, so that two of them never wait for each other.
        keys = sorted(flows)
        await tx.execute(
            _UPSERT,
            cluster_id,
            [key.source.type for key in keys],
            [key.source.id for key in keys],
            [key.target.type for key in keys],
            [key.target.id for key in keys],
            [key.port for key in keys],
            [key.protocol for key in keys],
            [flows[key] for key in keys],
            now,
        )

    async def open(self, cluster_id: str, *, tx: Database) -> list[Key]:
        """The flows that have no end yet."""
        return [_key(row) for row in await tx.fetch(_OPEN, cluster_id)]

    async def last_update(self, cluster_id: str, *, tx: Database) -> datetime | None:
        """When any flow of the cluster was last written."""
        found: datetime | None = await tx.fetchval(_LAST_UPDATE, cluster_id)
        return found

    async def since(self, cluster_id: str, moment: datetime) -> list[Flow]:
        """The flows that were seen at that moment or later."""
        rows = await self._pool.fetch(_SINCE, cluster_id, moment)
        return [Flow(_key(row), row["last_seen"]) for row in rows]

    async def prune(self, older: timedelta, slice_size: int) -> int:
        """Remove one slice of the flows of deployments that are gone; how many there were."""
        return await self._pool.execute(_ORPHANS, older, slice_size)


def _key(row: Row) -> Key:
    source = Entity(row["source_type"], row["source_id"])
    return Key(source, Entity(row["target_type"], row["target_id"]), row["port"], row["protocol"])
