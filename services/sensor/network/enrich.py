"""Who the ends of connections are: deployments, named ranges, the outside; no I/O.

Asked every tick for all that is known. It must not know what Central was told.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from pyrox.pb.storage.network_flow_pb2 import L4Protocol, NetworkEntityInfo
from services.sensor.network.addresses import ANY_PUBLIC, Network, is_public
from services.sensor.network.connections import Connection, Connections, Seen
from services.sensor.network.places import Places
from services.sensor.network.ranges import Ranges
from services.sensor.store.entities import Entities

# Upstream pkg/networkgraph: the entities that stand for everything outside and inside.
INTERNET_ID = "afa12424-bde3-4313-b810-bb463cbe8f90"
INTERNAL_ID = "ada12424-bde3-4313-b810-bb463cbe8f90"
# Upstream ROX_CLUSTER_ENTITY_RESOLUTION_WAIT_PERIOD: an address that nobody has may be a
# pod's that the watch tells of a little later.
WAIT = timedelta(seconds=10)


class Entity(NamedTuple):
    """One end of a flow."""

    type: NetworkEntityInfo.Type.ValueType
    id: str
    cidr: str = ""
    """The address of an end that nobody named and Collector was asked to see."""


class Flow(NamedTuple):
    """A flow as Central keeps it."""

    source: Entity
    target: Entity
    port: int
    protocol: L4Protocol.ValueType


class Endpoint(NamedTuple):
    """A port that a deployment listens on."""

    deployment_id: str
    port: int
    protocol: L4Protocol.ValueType


INTERNET = Entity(NetworkEntityInfo.INTERNET, INTERNET_ID)
INTERNAL = Entity(NetworkEntityInfo.INTERNAL_ENTITIES, INTERNAL_ID)
K = TypeVar("K")


@dataclass(slots=True)
class Abilities:
    """What the Central of this stream takes."""

    internal: bool = False
    discovered: bool = False


class Enricher:
    """Turns what is known of connections into flows."""

    def __init__(
        self, *, connections: Connections, containers: Entities, places: Places, ranges: Ranges
    ) -> None:
        self._connections = connections
        self._containers = containers
        self._places = places
        self._ranges = ranges
        self.abilities = Abilities()

    def flows(self, now: datetime) -> dict[Flow, datetime | None]:
        """Every flow and when it ended; None while any of its connections is open."""
        found: dict[Flow, datetime | None] = {}
        for connection, seen in self._connections.connections():
            for flow in self._of(connection, seen, now):
                _merge(found, flow, seen.closed)
        return found

    def endpoints(self) -> dict[Endpoint, datetime | None]:
        """Every port that a deployment listens on, and when it ended."""
        found: dict[Endpoint, datetime | None] = {}
        for listening, seen in self._connections.listening():
            container = self._containers.find(listening.container_id)
            if container is not None:
                endpoint = Endpoint(container.deployment_id, listening.port, listening.protocol)
                _merge(found, endpoint, seen.closed)
        return found

    def _of(self, connection: Connection, seen: Seen, now: datetime) -> Iterator[Flow]:
        container = self._containers.find(connection.container_id)
        if container is None:
            return
        own = Entity(NetworkEntityInfo.DEPLOYMENT, container.deployment_id)
        if connection.incoming:
            # A deployment's own Collector tells of it as an outgoing connection.
            near = self._places.has_pod(connection.remote)
            if not near and (other := self._outside(connection, seen, now)) is not None:
                yield Flow(other, own, connection.port, connection.protocol)
            return
        places = self._places.find(connection.remote, connection.port, connection.protocol)
        for place in places:
            target = Entity(NetworkEntityInfo.DEPLOYMENT, place.deployment_id)
            yield Flow(own, target, place.port, connection.protocol)
        if not places and (other := self._outside(connection, seen, now)) is not None:
            yield Flow(own, other, connection.port, connection.protocol)

    def _outside(self, connection: Connection, seen: Seen, now: datetime) -> Entity | None:
        """What an address outside of the cluster is; None while it may become a pod's."""
        network = connection.network
        if network is not None and (named := self._ranges.id_of(network)):
            return Entity(NetworkEntityInfo.EXTERNAL_SOURCE, named)
        if seen.closed is None and seen.first > now - WAIT:
            return None
        if connection.remote in ANY_PUBLIC:
            return INTERNET
        if not is_public(connection.remote):
            return INTERNAL if self.abilities.internal else INTERNET
        if self.abilities.discovered and network is not None and network.prefixlen == network.max_prefixlen:
            return Entity(NetworkEntityInfo.EXTERNAL_SOURCE, _global_id(network), str(network))
        return INTERNET


def _merge(found: dict[K, datetime | None], key: K, closed: datetime | None) -> None:
    before = found.get(key, closed)
    found[key] = None if before is None or closed is None else max(before, closed)


def _global_id(network: Network) -> str:
    """The id of an address that belongs to no cluster yet (upstream pkg/networkgraph/externalsrcs)."""
    return "__" + base64.urlsafe_b64encode(str(network).encode()).decode().rstrip("=")
