"""Clusters and their health in Central DB."""

from __future__ import annotations

from collections.abc import Callable

from pyrox.errors import AlreadyExists
from pyrox.pb.storage.cluster_pb2 import Cluster, ClusterHealthStatus
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.store import ProtoStore
from services.central.risk.ranks import Ranks, fill

# Deleted with the cluster; alerts stay, resolved, until retention takes them.
_OWNED = (
    "deployments",
    "pods",
    "namespaces",
    "nodes",
    "secrets",
    "service_accounts",
    "k8s_roles",
    "role_bindings",
    "networkpolicies",
    "network_entities",
    "process_indicators",
)
_MARK_DEPLOYMENTS = "INSERT INTO risk_marks (deployment_id) SELECT id FROM deployments WHERE clusterid = $1"


class ClusterStore:
    """Clusters; a cluster's health lives in a row of its own, as it changes every 30 s."""

    def __init__(self, *, pool: Pool, on_change: Callable[[], None]) -> None:
        self._pool = pool
        self._on_change = on_change
        self._ranks = Ranks(pool=pool)
        self._clusters: ProtoStore[Cluster] = ProtoStore(pool=pool, table=tables.CLUSTERS)
        self._health: ProtoStore[ClusterHealthStatus] = ProtoStore(pool=pool, table=tables.CLUSTER_HEALTH)

    async def get(self, cluster_id: str, *, scope: Scope) -> Cluster | None:
        """One cluster with its stored health and its rank."""
        found = await self._clusters.get(cluster_id, scope=scope)
        return None if found is None else (await self._ranked([found]))[0]

    async def by_name(self, name: str, *, scope: Scope) -> Cluster | None:
        """The cluster of that exact name."""
        found = await self._clusters.find(Query.exact("Cluster", name), scope=scope)
        return (await self._with_health(found))[0] if found else None

    async def find(self, query: str = "", *, scope: Scope) -> list[Cluster]:
        """Clusters by name, with their stored health and their ranks."""
        found = await self._clusters.find(Query.parse(query), scope=scope)
        found.sort(key=lambda cluster: cluster.name)
        return await self._ranked(found)

    async def change(self, cluster_id: str, edit: Callable[[Cluster], None]) -> Cluster | None:
        """Let `edit` change what is stored now; None, and nothing written, when it was deleted.

        The caller has checked the scope. Raises as `put`.
        """
        async with self._pool.transaction() as tx:
            cluster = (await self._clusters.lock_many([cluster_id], tx=tx)).get(cluster_id)
            if cluster is None:
                return None
            edit(cluster)
            await self._write(cluster, tx)
        self._on_change()
        return cluster

    async def put(self, cluster: Cluster) -> None:
        """Write a cluster, without its health and its rank.

        Raises `AlreadyExists` for a name that another has.
        """
        async with self._pool.transaction() as tx:
            await self._write(cluster, tx)
        self._on_change()

    async def _write(self, cluster: Cluster, tx: Database) -> None:
        named = await self._clusters.find(Query.exact("Cluster", cluster.name), scope=EVERYTHING, tx=tx)
        if any(other.id != cluster.id for other in named):
            raise AlreadyExists.because(f"the cluster with name {cluster.name} exists, cannot re-add it")
        bare = Cluster()
        bare.CopyFrom(cluster)
        bare.ClearField("health_status")
        bare.ClearField("priority")
        await self._clusters.upsert(bare, tx=tx)

    async def put_health(self, status: ClusterHealthStatus) -> None:
        """Write the health of a cluster."""
        await self._health.upsert(status)

    async def health(self, cluster_id: str) -> ClusterHealthStatus | None:
        """The stored health of a cluster."""
        return await self._health.get(cluster_id, scope=EVERYTHING)

    async def delete(self, cluster_id: str) -> bool:
        """Remove a cluster with everything that only lived in it; whether it existed."""
        async with self._pool.transaction() as tx:
            if not await self._clusters.delete(cluster_id, tx=tx):
                return False
            await self._health.delete(cluster_id, tx=tx)
            # Baselines and risks follow their deployments.
            await tx.execute(_MARK_DEPLOYMENTS, cluster_id)
            for table in _OWNED:
                await tx.execute(f"DELETE FROM {table} WHERE clusterid = $1", cluster_id)  # noqa: S608 - constants
            await tx.execute("DELETE FROM sensor_hashes WHERE cluster_id = $1", cluster_id)
        self._on_change()
        return True

    async def _ranked(self, clusters: list[Cluster]) -> list[Cluster]:
        fill(clusters, await self._ranks.clusters([cluster.id for cluster in clusters]))
        return await self._with_health(clusters)

    async def _with_health(self, clusters: list[Cluster]) -> list[Cluster]:
        stored = await self._health.get_many([cluster.id for cluster in clusters], scope=EVERYTHING)
        by_id = {status.id: status for status in stored}
        for cluster in clusters:
            if cluster.id in by_id:
                cluster.health_status.CopyFrom(by_id[cluster.id])
        return clusters
