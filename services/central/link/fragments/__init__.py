"""One module per kind of message that Sensors send; `inbox.py` lists them.

A fragment turns events of its kinds into writes of one transaction. It raises only
`pyrox.errors`; an event that cannot be stored is named in the error.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from pyrox.pb.internalapi.central.sensor_events_pb2 import SensorEvent
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pg.pool import Database


class Fragment(Protocol):
    """Applies events of some kinds."""

    @property
    def kinds(self) -> frozenset[str]:
        """Names of the `resource` members of SensorEvent that it takes."""

    async def apply(self, events: Sequence[SensorEvent], cluster: Cluster, tx: Database) -> None:
        """Store the events in their order."""

    async def reconcile(self, seen: Collection[str], kind: str, cluster: Cluster, tx: Database) -> list[str]:
        """Remove what the cluster has of this kind and Sensor did not mention; the ids."""
