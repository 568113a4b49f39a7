"""Alerts that a Sensor found, each message the full list of one deployment and stage."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from pyrox.pb.internalapi.central.sensor_events_pb2 import AlertResults, SensorEvent
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pg.pool import Database


class AlertKeeper(Protocol):
    """The life cycle of alerts."""

    async def merge(self, results: AlertResults, cluster: Cluster, *, tx: Database) -> None:
        """Merge what was found into what is known."""


class AlertResultsFragment:
    """Applies `alert_results` events."""

    kinds = frozenset({"alert_results"})

    def __init__(self, *, keeper: AlertKeeper) -> None:
        self._keeper = keeper

    async def apply(self, events: Sequence[SensorEvent], cluster: Cluster, tx: Database) -> None:
        """Merge each event's alerts, in order."""
        for event in events:
            await self._keeper.merge(event.alert_results, cluster, tx=tx)

    async def reconcile(self, seen: Collection[str], kind: str, cluster: Cluster, tx: Database) -> list[str]:  # noqa: ARG002 - the protocol's form
        """Alerts are never reconciled; they follow their deployments."""
        return []
