"""Deployments: stored with what Central adds; a removed one resolves its alerts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment
from pyrox.pg.pool import Database
from pyrox.rpc.scope import EVERYTHING
from services.central import marks
from services.central.db.query import Query
from services.central.db.store import ListedStore


class AlertResolver(Protocol):
    """What a removal means for alerts."""

    async def deployments_removed(self, deployment_ids: Sequence[str], *, tx: Database) -> None:
        """Resolve deploy-time alerts, mark runtime alerts inactive."""


class PlatformRules(Protocol):
    """Tells platform components from the users' own."""

    def is_platform(self, namespace: str) -> bool:
        """Whether objects of this namespace belong to the platform."""


class DeploymentFragment:
    """Applies `deployment` events."""

    kinds = frozenset({"deployment"})

    def __init__(
        self,
        *,
        store: ListedStore[Deployment, ListDeployment],
        alerts: AlertResolver,
        platform: PlatformRules,
    ) -> None:
        self._store = store
        self._alerts = alerts
        self._platform = platform

    async def apply(self, events: Sequence[SensorEvent], cluster: Cluster, tx: Database) -> None:
        """Upsert or delete; of several events of one id the last counts."""
        last = {event.id: event for event in events}
        gone = [id_ for id_, event in last.items() if event.action == ResourceAction.REMOVE_RESOURCE]
        kept = [self._complete(last[id_].deployment, cluster) for id_ in last if id_ not in set(gone)]
        if kept:
            await self._keep_computed(kept, tx)
            await self._store.upsert_many(kept, tx=tx)
            await marks.add(tx, (found.id for found in kept))
        if gone:
            await self._remove(gone, tx)

    async def reconcile(self, seen: Collection[str], kind: str, cluster: Cluster, tx: Database) -> list[str]:  # noqa: ARG002 - one kind
        """Remove deployments of the cluster that were not seen."""
        known = await self._store.keys(Query.exact("Cluster ID", cluster.id), scope=EVERYTHING, tx=tx)
        gone = [key for key in known if key not in seen]
        if gone:
            await self._remove(gone, tx)
        return gone

    def _complete(self, deployment: Deployment, cluster: Cluster) -> Deployment:
        deployment.cluster_id, deployment.cluster_name = cluster.id, cluster.name
        deployment.platform_component = self._platform.is_platform(deployment.namespace)
        return deployment

    async def _keep_computed(self, deployments: Sequence[Deployment], tx: Database) -> None:
        """What Central computes of a deployment outlives the Sensor's next word about it."""
        stored = await self._store.get_many([found.id for found in deployments], scope=EVERYTHING, tx=tx)
        by_id = {found.id: found for found in stored}
        for deployment in deployments:
            if old := by_id.get(deployment.id):
                deployment.risk_score, deployment.priority = old.risk_score, old.priority

    async def _remove(self, ids: Sequence[str], tx: Database) -> None:
        await self._alerts.deployments_removed(ids, tx=tx)
        await self._store.delete(*ids, tx=tx)
        await marks.add(tx, ids)
