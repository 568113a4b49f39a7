"""What of sockets is worth telling, in the form in which equal ones are equal; pure.

The rules are upstream's (`collector/lib/ConnTracker.cpp`): the server's side forgets the
client's port, the client's side its own; loopback and link-local are nobody's business; a
public address is told as the range it lies in, or as any, unless it was asked for.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from pyrox.pb.internalapi.sensor import network_connection_info_pb2 as info_pb2
from pyrox.pb.internalapi.sensor.network_connection_iservice_pb2 import NetworkFlowsControlMessage
from pyrox.pb.internalapi.sensor.network_enums_pb2 import ClientServerRole, SocketFamily
from pyrox.pb.storage.network_flow_pb2 import L4Protocol
from services.collector.network.scrape import Owned
from services.collector.network.sockets import Address, State

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ANY = {4: ipaddress.ip_address("255.255.255.255"), 6: ipaddress.ip_address(b"\xff" * 16)}
# Upstream ROX_IGNORE_NETWORKS; loopback is never told. udp/9 is what Kubernetes' probes use
# (ROX_NETWORK_DROP_IGNORED).
_IGNORED = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10")))
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8"),
    )
)
_DISCARD = (L4Protocol.L4_PROTOCOL_UDP, 9)
# Linux' first port of clients (net.ipv4.ip_local_port_range).
_EPHEMERAL = 32768
_V4_BYTES, _V6_BYTES = 5, 17
_HALF = 64


class Connection(NamedTuple):
    """A connection without what differs between connections of the same kind."""

    container: str
    server: bool
    remote: Address
    network: Network | None
    port: int
    protocol: L4Protocol.ValueType

    def message(self) -> info_pb2.NetworkConnection:
        """As Sensor reads it."""
        made = info_pb2.NetworkConnection(
            container_id=self.container, protocol=self.protocol, socket_family=family(self.remote)
        )
        made.role = ClientServerRole.ROLE_SERVER if self.server else ClientServerRole.ROLE_CLIENT
        made.remote_address.address_data = self.remote.packed
        if self.network is not None:
            made.remote_address.ip_network = packed(self.network)
        near = made.local_address if self.server else made.remote_address
        near.port = self.port
        return made


class Listening(NamedTuple):
    """A port on which a container listens."""

    container: str
    address: Address
    port: int
    protocol: L4Protocol.ValueType

    def message(self) -> info_pb2.NetworkEndpoint:
        """As Sensor reads it."""
        made = info_pb2.NetworkEndpoint(
            container_id=self.container, protocol=self.protocol, socket_family=family(self.address)
        )
        made.listen_address.address_data, made.listen_address.port = self.address.packed, self.port
        return made


@dataclass(slots=True)
class Ranges:
    """What Sensor asked to look for."""

    public: frozenset[Address] = frozenset()
    """Addresses that look public and are the cluster's."""
    networks: tuple[Network, ...] = ()
    """From the narrowest on."""
    _found: dict[Address, Network | None] = field(default_factory=dict)

    @classmethod
    def read(cls, control: NetworkFlowsControlMessage) -> Ranges:
        """What a message of Sensor says; ranges that are none are left out."""
        addresses = control.public_ip_addresses
        halves = list(addresses.ipv6_addresses)
        pairs = zip(halves[::2], halves[1::2], strict=False)
        public: list[Address] = [
            *(ipaddress.IPv4Address(number) for number in addresses.ipv4_addresses),
            *(ipaddress.IPv6Address(high << _HALF | low) for high, low in pairs),
        ]
        networks = [
            *_networks(control.ip_networks.ipv4_networks, _V4_BYTES),
            *_networks(control.ip_networks.ipv6_networks, _V6_BYTES),
        ]
        return cls(frozenset(public), tuple(networks))

    def seen(self, address: Address) -> tuple[Address, Network | None]:
        """The address as it is told, and the range that it lies in."""
        if any(_within(address, network) for network in _PRIVATE) or address in self.public:
            return address, self._network(address)
        network = self._network(address)
        return (ANY[address.version], None) if network is None else (network.network_address, network)

    def _network(self, address: Address) -> Network | None:
        if address not in self._found:
            found = (network for network in self.networks if _within(address, network))
            self._found[address] = next(found, None)
        return self._found[address]


def connections(sockets: Iterable[Owned], ranges: Ranges) -> set[Connection]:
    """The connections worth telling."""
    found: set[Connection] = set()
    for owned in sockets:
        socket = owned.socket
        if socket.state is State.CONNECTED and not _ignored(socket.remote):
            port = socket.local_port if owned.server else socket.remote_port
            if (socket.protocol, port) != _DISCARD:
                remote, network = ranges.seen(socket.remote)
                found.add(Connection(owned.container, owned.server, remote, network, port, socket.protocol))
    return found


def listening(sockets: Iterable[Owned]) -> set[Listening]:
    """The ports worth telling: none that only the container itself reaches, nor a UDP client's."""
    return {
        Listening(one.container, one.socket.local, one.socket.local_port, one.socket.protocol)
        for one in sockets
        if one.socket.state is State.LISTENING
        and not one.socket.local.is_loopback
        and (one.socket.protocol == L4Protocol.L4_PROTOCOL_TCP or one.socket.local_port < _EPHEMERAL)
    }


def family(address: Address) -> SocketFamily.ValueType:
    """The address' family."""
    four = address.version == 4
    return SocketFamily.SOCKET_FAMILY_IPV4 if four else SocketFamily.SOCKET_FAMILY_IPV6


def packed(network: Network) -> bytes:
    """A range: its address, then its length."""
    return network.network_address.packed + bytes([network.prefixlen])


def _networks(data: bytes, size: int) -> Iterable[Network]:
    for start in range(0, len(data) - size + 1, size):
        part = data[start : start + size]
        try:
            yield ipaddress.ip_network((part[:-1], part[-1]), strict=False)
        except ValueError:
            continue


def _ignored(address: Address) -> bool:
    return (
        address.is_loopback
        or address.is_unspecified
        or any(_within(address, network) for network in _IGNORED)
    )


def _within(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network
