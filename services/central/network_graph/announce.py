"""Tells Sensors which address ranges they should name in their flows.

The greeting and the notices call it. It must not know SQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

from pyrox.pb.internalapi.central.network_flow_pb2 import PushNetworkEntitiesRequest
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from services.central.network_graph.settings import EVERY_CLUSTER


class Ranges(Protocol):
    """The named ranges."""

    async def request(self, cluster_id: str, number: int) -> PushNetworkEntitiesRequest:
        """What the Sensor of a cluster is told."""


class Sensors(Protocol):
    """The streams of Sensors that are here."""

    def clusters(self) -> Iterable[str]:
        """The ids of their clusters."""

    def push(self, cluster_id: str, message: MsgToSensor) -> bool:
        """Send to one cluster; False when its stream is not here."""


class Announcer:
    """Numbers the messages: a Sensor drops one that is older than what it has."""

    def __init__(self, *, entities: Ranges) -> None:
        self._entities = entities
        self._numbers: Counter[str] = Counter()

    async def greeting(self, cluster_id: str) -> MsgToSensor:
        """What a new stream is told; numbers begin anew with it."""
        self._numbers[cluster_id] = 0
        return await self._message(cluster_id)

    async def changed(self, ids: Sequence[str], sensors: Sensors) -> None:
        """Tell the Sensors of these clusters, as far as they are here."""
        here = list(sensors.clusters())
        for cluster_id in here if EVERY_CLUSTER in ids else [id_ for id_ in here if id_ in ids]:
            sensors.push(cluster_id, await self._message(cluster_id))

    async def _message(self, cluster_id: str) -> MsgToSensor:
        self._numbers[cluster_id] += 1
        request = await self._entities.request(cluster_id, self._numbers[cluster_id])
        return MsgToSensor(push_network_entities_request=request)
