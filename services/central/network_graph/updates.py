"""What Sensors send of flows, into Central DB.

Called by the stream for each message. A Sensor tells changes; its first message on a
stream tells all that is open, so that what it leaves out has ended.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.network_flow_pb2 import NetworkFlowUpdate
from pyrox.pb.storage.network_flow_pb2 import NetworkEndpoint, NetworkEntityInfo, NetworkFlow
from pyrox.pg.pool import Pool
from services.central.network_graph.addresses import id_of, network_of
from services.central.network_graph.entities import EntityStore
from services.central.network_graph.flow import Entity, Key, key_of, last_seen
from services.central.network_graph.flows import FlowStore

_LOG = log.get(__name__)
_MAX_PORT = 65535
_MAX_ID = 200
# A range of one cluster that nobody named is a single address; more of them are not kept.
MAX_DISCOVERED = 10_000


class FlowUpdates:
    """Writes the flows of every cluster."""

    def __init__(
        self, *, pool: Pool, flows: FlowStore, entities: EntityStore, clock: Clock, metrics: Metrics
    ) -> None:
        self._pool = pool
        self._flows = flows
        self._entities = entities
        self._clock = clock
        self._fresh: set[str] = set()
        self._stored = metrics.counter("network_flows_stored", "network flows of Sensors that were stored")
        self._refused = metrics.counter("network_flows_refused", "network flows that cannot be")

    def connected(self, cluster_id: str) -> None:
        """A stream of the cluster was opened: its first message will tell everything."""
        self._fresh.add(cluster_id)

    async def apply(self, cluster_id: str, update: NetworkFlowUpdate) -> None:
        """Store the flows of one message, in one transaction."""
        now = self._clock.now()
        offset = _offset(update, now)
        told = [*update.updated, *(_listening(endpoint) for endpoint in update.updated_endpoints)]
        found, addresses = self._read(cluster_id, told, offset)
        async with self._pool.transaction() as tx:
            if cluster_id in self._fresh:
                ended = await self._flows.last_update(cluster_id, tx=tx) or now
                for key in await self._flows.open(cluster_id, tx=tx):
                    found.setdefault(key, ended)
            await self._entities.discovered(cluster_id, addresses, tx=tx)
            await self._flows.upsert(cluster_id, found, now, tx=tx)
        self._fresh.discard(cluster_id)
        self._stored.inc(len(found))

    def _read(
        self, cluster_id: str, flows: Iterable[NetworkFlow], offset: timedelta
    ) -> tuple[dict[Key, datetime | None], set[str]]:
        """The flows that can be, on Central's clock, and the addresses among them that were only seen."""
        found: dict[Key, datetime | None] = {}
        addresses: set[str] = set()
        refused = 0
        for flow in flows:
            try:
                key = _checked(_of_cluster(flow, cluster_id, addresses))
                ended = last_seen(flow)
                found[key] = ended + offset if ended is not None else None
            except (Invalid, OverflowError):
                refused += 1
        if refused:
            self._refused.inc(refused)
            _LOG.warning("network flows that cannot be", cluster_id=cluster_id, flows=refused)
        return found, addresses


def _offset(update: NetworkFlowUpdate, now: datetime) -> timedelta:
    """How far Central's clock is ahead of the Sensor's; nothing for a time that there is not."""
    if not update.HasField("time"):
        return timedelta()
    try:
        return now - update.time.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        return timedelta()


def _listening(endpoint: NetworkEndpoint) -> NetworkFlow:
    """A port that a deployment listens on, kept as a flow to it, as upstream does."""
    flow = NetworkFlow()
    props = flow.props
    props.src_entity.CopyFrom(endpoint.props.entity)
    props.dst_entity.type = NetworkEntityInfo.LISTEN_ENDPOINT
    props.dst_port, props.l4protocol = endpoint.props.port, endpoint.props.l4protocol
    if endpoint.HasField("last_active_timestamp"):
        flow.last_seen_timestamp.CopyFrom(endpoint.last_active_timestamp)
    return flow


def _of_cluster(flow: NetworkFlow, cluster_id: str, addresses: set[str]) -> Key:
    """The flow's key; an address that Sensor saw has no id of its cluster before it comes here."""
    key = key_of(flow)
    return key._replace(
        source=_discovered(flow.props.src_entity, cluster_id, addresses) or key.source,
        target=_discovered(flow.props.dst_entity, cluster_id, addresses) or key.target,
    )


def _discovered(info: NetworkEntityInfo, cluster_id: str, addresses: set[str]) -> Entity | None:
    if not info.external_source.discovered:
        return None
    network = network_of(info.external_source.cidr)
    if len(addresses) < MAX_DISCOVERED:
        addresses.add(str(network))
    return Entity(info.type, id_of(cluster_id, network))


def _checked(key: Key) -> Key:
    """The key, if there can be such a flow. Raises `Invalid`."""
    for entity in (key.source, key.target):
        if entity.deployment:
            _uuid(entity.id)
        elif len(entity.id) > _MAX_ID or "\0" in entity.id:
            raise Invalid.of("network flow with an entity that cannot be")
    if key.port > _MAX_PORT:
        raise Invalid.of(f"network flow with port {key.port}")
    return key


def _uuid(text: str) -> None:
    try:
        uuid.UUID(text)
    except ValueError as err:
        raise Invalid.of("network flow of a deployment whose id is no UUID") from err
