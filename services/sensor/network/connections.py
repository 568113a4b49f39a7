"""The connections and listening ports that each node's Collector told of; no I/O.

A Collector tells changes; a new stream of it tells everything anew, so that what it does
not tell again has ended. It must not know deployments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

from pyrox.pb.internalapi.sensor import network_connection_info_pb2 as info_pb2
from pyrox.pb.internalapi.sensor.network_enums_pb2 import ClientServerRole
from pyrox.pb.storage.network_flow_pb2 import L4Protocol
from pyrox.workload.pods import SHORT_ID
from services.sensor.network.addresses import (
    Address,
    Network,
    address_of,
    confidence,
    is_port,
    network_of,
)

K = TypeVar("K")
# A node has no more open connections than this; a Collector that lies has.
MAX_PER_HOST = 100_000
MAX_HOSTS = 10_000
# Upstream: what a host told is forgotten so long after its stream ended.
HOST_MEMORY = timedelta(minutes=5)


class Connection(NamedTuple):
    """What makes a connection the same one."""

    container_id: str
    remote: Address
    network: Network | None
    """The known range around the remote address, if any."""
    port: int
    """The server's port."""
    protocol: L4Protocol.ValueType
    incoming: bool


class Listening(NamedTuple):
    """A port on which a container listens."""

    container_id: str
    port: int
    protocol: L4Protocol.ValueType


@dataclass(slots=True)
class Seen:
    """Since when something is known, and when it ended."""

    first: datetime
    closed: datetime | None = None


@dataclass(slots=True)
class _Host:
    connections: dict[Connection, Seen] = field(default_factory=dict)
    listening: dict[Listening, Seen] = field(default_factory=dict)
    heard: datetime | None = None
    streams: int = 0


class Connections:
    """All hosts."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}
        self.refused = 0
        """Connections that cannot be, or are too many."""

    def opened(self, host: str) -> None:
        """A new stream of a host: what it told before has ended unless it is told again."""
        if host not in self._hosts and len(self._hosts) >= MAX_HOSTS:
            return
        known = self._hosts.setdefault(host, _Host())
        known.streams += 1
        for seen in (*known.connections.values(), *known.listening.values()):
            seen.closed = seen.closed or known.heard

    def closed(self, host: str, now: datetime) -> None:
        """A stream ended; what it told is kept for a while, as Collector will come back."""
        known = self._hosts.get(host)
        if known is not None:
            known.streams -= 1
            known.heard = now

    def take(self, host: str, info: info_pb2.NetworkConnectionInfo, now: datetime) -> None:
        """Remember what changed on a host; times are told on its own clock."""
        known = self._hosts.get(host)
        if known is None:
            self.refused += len(info.updated_connections) + len(info.updated_endpoints)
            return
        known.heard = now
        offset = _offset(info, now)
        for raw in info.updated_connections:
            connection = _connection(raw)
            if connection is not None:
                closed = _moment(raw, offset, now)
                self._put(known.connections, connection, closed, now)
            else:
                self.refused += 1
        for endpoint in info.updated_endpoints:
            if is_port(endpoint.listen_address.port) and endpoint.container_id:
                key = Listening(
                    endpoint.container_id[:SHORT_ID], endpoint.listen_address.port, endpoint.protocol
                )
                self._put(known.listening, key, _moment(endpoint, offset, now), now)
            else:
                self.refused += 1

    def connections(self) -> Iterator[tuple[Connection, Seen]]:
        """Everything known, open and closed."""
        for host in self._hosts.values():
            yield from host.connections.items()

    def listening(self) -> Iterator[tuple[Listening, Seen]]:
        """Every port, open and closed."""
        for host in self._hosts.values():
            yield from host.listening.items()

    def prune(self, now: datetime, memory: timedelta) -> None:
        """Forget what closed that long ago, and hosts that left."""
        for name, host in list(self._hosts.items()):
            if not host.streams and (host.heard is None or host.heard < now - HOST_MEMORY):
                del self._hosts[name]
                continue
            host.connections = _kept(host.connections, now - memory)
            host.listening = _kept(host.listening, now - memory)

    def _put(self, known: dict[K, Seen], key: K, closed: datetime | None, now: datetime) -> None:
        found = known.get(key)
        if found is not None:
            found.closed = closed
        elif len(known) < MAX_PER_HOST:
            known[key] = Seen(now, closed)
        else:
            self.refused += 1


def _kept(known: dict[K, Seen], oldest: datetime) -> dict[K, Seen]:
    return {key: seen for key, seen in known.items() if seen.closed is None or seen.closed >= oldest}


def _connection(raw: info_pb2.NetworkConnection) -> Connection | None:
    """The connection, or None for one that cannot be or has no direction."""
    remote = address_of(raw.remote_address)
    ports = raw.local_address.port, raw.remote_address.port
    known = raw.role in {ClientServerRole.ROLE_SERVER, ClientServerRole.ROLE_CLIENT}
    if remote is None or not raw.container_id or not known or not all(map(is_port, ports)):
        return None
    incoming = _incoming(raw)
    return Connection(
        container_id=raw.container_id[:SHORT_ID],
        remote=remote,
        network=network_of(raw.remote_address),
        port=ports[0] if incoming else ports[1],
        protocol=raw.protocol,
        incoming=incoming,
    )


def _incoming(raw: info_pb2.NetworkConnection) -> bool:
    """Whether the container is the server; of UDP the port that looks like a client's decides."""
    local, remote = raw.local_address.port, raw.remote_address.port
    if raw.protocol == L4Protocol.L4_PROTOCOL_UDP and local and remote:
        difference = confidence(remote) - confidence(local)
        if difference:
            return difference > 0
    return raw.role == ClientServerRole.ROLE_SERVER


def _offset(info: info_pb2.NetworkConnectionInfo, now: datetime) -> timedelta:
    """How far this clock is ahead of the host's."""
    if not info.HasField("time"):
        return timedelta()
    try:
        return now - info.time.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        return timedelta()


def _moment(
    raw: info_pb2.NetworkConnection | info_pb2.NetworkEndpoint, offset: timedelta, now: datetime
) -> datetime | None:
    """When it was closed, on this clock; None while it is open."""
    if not raw.HasField("close_timestamp"):
        return None
    try:
        return raw.close_timestamp.ToDatetime(tzinfo=UTC) + offset
    except (ValueError, OverflowError):
        return now
