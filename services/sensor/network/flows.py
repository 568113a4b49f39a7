"""What Central is told of flows: every tick what changed, on a new stream everything.

While there is no stream nothing is lost but what closed long ago: the next stream tells
all that is known. It must not know who the ends of a flow are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from pyrox.clock import Clock
from pyrox.pb.internalapi.central.hello_pb2 import CentralHello
from pyrox.pb.internalapi.central.network_flow_pb2 import NetworkFlowUpdate
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor
from pyrox.pb.storage.network_flow_pb2 import (
    NetworkEndpoint,
    NetworkEntityInfo,
    NetworkFlow,
)
from services.sensor.network.connections import Connections
from services.sensor.network.enrich import Endpoint, Enricher, Entity, Flow
from services.sensor.network.places import Places
from services.sensor.network.ranges import Ranges

# Upstream ROX_NETFLOW_CLOSED_CONN_REMEMBER_DURATION.
CLOSED_MEMORY = timedelta(minutes=6)
# Upstream ROX_NETFLOW_BATCHING's bound of one message.
BATCH = 150_000
INTERNAL_ENTITIES = "NetworkGraphInternalEntitiesSupported"
DISCOVERED_ENTITIES = "NetworkGraphDiscoveredExternalEntitiesSupported"
K = TypeVar("K", Flow, Endpoint)


class Outbox(Protocol):
    """The way to Central."""

    live: bool

    def put(self, message: MsgFromSensor) -> None:
        """Queue a message for the stream."""


class Flows:
    """The component that tells."""

    name = "network-flows"

    def __init__(
        self,
        *,
        enricher: Enricher,
        sources: tuple[Connections, Places, Ranges],
        outbox: Outbox,
        synced: Callable[[], bool],
        clock: Clock,
        interval: timedelta,
    ) -> None:
        """`synced` says whether the cluster's objects were told to Central."""
        self._enricher = enricher
        self._connections, self._places, self._ranges = sources
        self._outbox = outbox
        self._synced = synced
        self._clock = clock
        self._interval = interval
        self._flows: dict[Flow, datetime | None] = {}
        self._endpoints: dict[Endpoint, datetime | None] = {}
        self._first = True

    def on_online(self, hello: CentralHello) -> None:
        """A new stream: everything is told anew, in what this Central understands."""
        abilities = self._enricher.abilities
        abilities.internal = INTERNAL_ENTITIES in hello.capabilities
        abilities.discovered = DISCOVERED_ENTITIES in hello.capabilities
        self._flows, self._endpoints = {}, {}
        self._first = True

    async def run(self, ready: Callable[[], None]) -> None:
        """Tell every tick until cancelled."""
        ready()
        while True:
            await self._clock.sleep(self._interval.total_seconds())
            self.tick()

    def tick(self) -> None:
        """Tell what changed."""
        now = self._clock.now()
        self._ranges.set_public(self._places.public())
        if self._outbox.live and self._synced():
            self._tell(now)
            self._places.tick()
        self._connections.prune(now, CLOSED_MEMORY)

    def _tell(self, now: datetime) -> None:
        flows, endpoints = self._enricher.flows(now), self._enricher.endpoints()
        update = NetworkFlowUpdate()
        update.time.FromDatetime(now)
        for flow, ended in _changes(self._flows, flows, now):
            update.updated.append(_flow(flow, ended))
        for endpoint, ended in _changes(self._endpoints, endpoints, now):
            update.updated_endpoints.append(_endpoint(endpoint, ended))
        self._flows, self._endpoints = flows, endpoints
        if self._first or update.updated or update.updated_endpoints:
            for message in _parts(update):
                self._outbox.put(MsgFromSensor(network_flow_update=message))
        self._first = False


def _changes(
    before: Mapping[K, datetime | None], after: Mapping[K, datetime | None], now: datetime
) -> Iterator[tuple[K, datetime | None]]:
    """What is new, ended or open again, and what is known no more although it was open."""
    for key, ended in after.items():
        if key not in before or before[key] != ended:
            yield key, ended
    for key, ended in before.items():
        if ended is None and key not in after:
            yield key, now


def _flow(flow: Flow, ended: datetime | None) -> NetworkFlow:
    made = NetworkFlow()
    _describe(made.props.src_entity, flow.source)
    _describe(made.props.dst_entity, flow.target)
    made.props.dst_port, made.props.l4protocol = flow.port, flow.protocol
    if ended is not None:
        made.last_seen_timestamp.FromDatetime(ended)
    return made


def _describe(info: NetworkEntityInfo, entity: Entity) -> None:
    info.type, info.id = entity.type, entity.id
    if entity.cidr:
        source = info.external_source
        source.name = source.cidr = entity.cidr
        source.discovered = True


def _endpoint(endpoint: Endpoint, ended: datetime | None) -> NetworkEndpoint:
    made = NetworkEndpoint()
    made.props.entity.type, made.props.entity.id = NetworkEntityInfo.DEPLOYMENT, endpoint.deployment_id
    made.props.port, made.props.l4protocol = endpoint.port, endpoint.protocol
    if ended is not None:
        made.last_active_timestamp.FromDatetime(ended)
    return made


def _parts(update: NetworkFlowUpdate) -> Iterator[NetworkFlowUpdate]:
    """The update in messages that are not too big; the first tells Central that all will come."""
    if len(update.updated) <= BATCH:
        yield update
        return
    for start in range(0, len(update.updated), BATCH):
        part = NetworkFlowUpdate(time=update.time, updated=update.updated[start : start + BATCH])
        if start == 0:
            part.updated_endpoints.extend(update.updated_endpoints)
        yield part
