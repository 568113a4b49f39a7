"""What Central has stored of each cluster, as hashes that Sensors gave: the dedupe state.

A hash is written in the same transaction as the object, so that a Sensor is never told
that Central knows an object which a crash took away. It must not know messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyrox.pg.pool import Database, Pool

_LOAD = "SELECT key, hash FROM sensor_hashes WHERE cluster_id = $1"
_PUT = (
    "INSERT INTO sensor_hashes (cluster_id, key, hash)"
    " SELECT $1, k, h FROM unnest($2::text[], $3::bigint[]) AS t(k, h)"
    " ON CONFLICT (cluster_id, key) DO UPDATE SET hash = excluded.hash"
)
_DROP = "DELETE FROM sensor_hashes WHERE cluster_id = $1 AND key = ANY($2::text[])"
_HOLD = "SELECT 1 FROM clusters WHERE id = $1 FOR KEY SHARE"
# Upstream ROX_MAX_EVENT_HASH_SIZE: beyond it the state is sent as empty and built anew.
MAX_HASHES = 1_000_000
_SIGN = 1 << 63


class HashStore:
    """Deduper keys (`Deployment:<id>`) to 64-bit hashes, per cluster."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

    async def load(self, cluster_id: str) -> Mapping[str, int]:
        """All hashes of a cluster; nothing when there are more than the limit."""
        rows = await self._pool.fetch(_LOAD + f" LIMIT {MAX_HASHES + 1}", cluster_id)
        if len(rows) > MAX_HASHES:
            return {}
        return {row["key"]: row["hash"] + _SIGN for row in rows}

    async def hold_cluster(self, cluster_id: str, *, tx: Database) -> bool:
        """Whether the cluster exists; it then does until the transaction ends."""
        return await tx.fetchval(_HOLD, cluster_id) is not None

    async def put(self, cluster_id: str, hashes: Mapping[str, int], *, tx: Database) -> None:
        """Remember hashes of objects that the same transaction stores."""
        if hashes:
            # PostgreSQL has no unsigned 64-bit type; the offset keeps every value distinct.
            signed = [value - _SIGN for value in hashes.values()]
            await tx.execute(_PUT, cluster_id, list(hashes), signed)

    async def drop(self, cluster_id: str, keys: Iterable[str], *, tx: Database) -> None:
        """Forget objects that the same transaction removes."""
        if wanted := list(keys):
            await tx.execute(_DROP, cluster_id, wanted)
