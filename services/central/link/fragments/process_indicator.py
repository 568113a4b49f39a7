"""Processes that ran in containers: each is stored once, under the id that Sensor gave it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from pyrox.pb.internalapi.central.sensor_events_pb2 import SensorEvent
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.pg.pool import Database
from services.central.db.store import ProtoStore


class Baselines(Protocol):
    """What processes mean for baselines."""

    async def observe(self, indicators: Sequence[ProcessIndicator], *, tx: Database) -> None:
        """Processes were stored."""


class ProcessIndicatorFragment:
    """Applies `process_indicator` events."""

    kinds = frozenset({"process_indicator"})

    def __init__(self, *, store: ProtoStore[ProcessIndicator], baselines: Baselines) -> None:
        self._store = store
        self._baselines = baselines

    async def apply(self, events: Sequence[SensorEvent], cluster: Cluster, tx: Database) -> None:
        """Store the indicators, unless the cluster's configuration says not to keep them."""
        config = cluster.dynamic_config.process_indicators
        if config.no_persistence:
            return
        indicators = [event.process_indicator for event in events]
        for indicator in indicators:
            indicator.cluster_id = cluster.id
        await self._store.upsert_many(indicators, tx=tx)
        await self._baselines.observe(indicators, tx=tx)

    async def reconcile(self, seen: Collection[str], kind: str, cluster: Cluster, tx: Database) -> list[str]:  # noqa: ARG002 - the protocol's form
        """Processes are history; they go with retention, not with the cluster's state."""
        return []
