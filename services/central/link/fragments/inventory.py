"""Kubernetes objects that are stored as they come: one table of kinds.

The cluster's id and name are added, nothing is computed. Deployments, alerts and
process indicators have modules of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pg.pool import Database
from pyrox.rpc.scope import EVERYTHING
from services.central.db.query import Query
from services.central.db.store import ProtoStore


@dataclass(frozen=True, slots=True)
class Inventory:
    """A fragment for one kind of object with an id of its own."""

    kind: str
    store: ProtoStore[Any]
    reconciled: bool = True

    @property
    def kinds(self) -> frozenset[str]:
        """The one kind."""
        return frozenset({self.kind})

    async def apply(self, events: Sequence[SensorEvent], cluster: Cluster, tx: Database) -> None:
        """Upsert or delete; of several events of one id the last counts."""
        last = {event.id: event for event in events}
        gone = [id_ for id_, event in last.items() if event.action == ResourceAction.REMOVE_RESOURCE]
        kept = [self._object(event, cluster) for id_, event in last.items() if id_ not in set(gone)]
        if kept:
            await self.store.upsert_many(kept, tx=tx)
        if gone:
            await self.store.delete(*gone, tx=tx)

    async def reconcile(self, seen: Collection[str], kind: str, cluster: Cluster, tx: Database) -> list[str]:  # noqa: ARG002 - one kind
        """Remove objects of the cluster that were not seen."""
        if not self.reconciled:
            return []
        known = await self.store.keys(Query.exact("Cluster ID", cluster.id), scope=EVERYTHING, tx=tx)
        gone = [key for key in known if key not in seen]
        if gone:
            await self.store.delete(*gone, tx=tx)
        return gone

    def _object(self, event: SensorEvent, cluster: Cluster) -> Message:
        found: Message = getattr(event, self.kind)
        fields = found.DESCRIPTOR.fields_by_name
        if "cluster_id" in fields:
            found.cluster_id = cluster.id  # type: ignore[attr-defined]  # the descriptor says so
        if "cluster_name" in fields:
            found.cluster_name = cluster.name  # type: ignore[attr-defined]  # the descriptor says so
        return found
