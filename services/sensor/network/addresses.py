"""Addresses as Collector sends them; pure."""

from __future__ import annotations

import ipaddress

from pyrox.pb.internalapi.sensor.network_connection_info_pb2 import NetworkAddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# What Collector sends instead of a public address that nobody asked to see.
ANY_PUBLIC = frozenset({ipaddress.ip_address("255.255.255.255"), ipaddress.ip_address(b"\xff" * 16)})
# Upstream pkg/net: the ranges whose addresses are nobody's in the internet.
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        (
            "127.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "::1/128",
            "fd00::/8",
            "fe80::/10",
        ),
    )
)
_PORTS = 65536


def address_of(raw: NetworkAddress) -> Address | None:
    """The address, IPv4 also when it was written as IPv6; None when there is none."""
    if len(raw.address_data) not in {4, 16}:
        return None
    found = ipaddress.ip_address(raw.address_data)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def network_of(raw: NetworkAddress) -> Network | None:
    """The range that Collector found the address in: its bytes, then its length."""
    data = raw.ip_network
    if len(data) not in {5, 17}:
        return None
    try:
        return ipaddress.ip_network((data[:-1], data[-1]), strict=False)
    except ValueError:
        return None


def packed(network: Network) -> bytes:
    """A range as Collector reads it."""
    return network.network_address.packed + bytes([network.prefixlen])


def is_port(number: int) -> bool:
    """Whether there can be such a port."""
    return 0 <= number < _PORTS


def is_public(address: Address) -> bool:
    """Whether the address is outside of every private range."""
    return address not in ANY_PUBLIC and not any(
        network.version == address.version and address in network for network in _PRIVATE
    )


def confidence(port: int) -> int:
    """How much a UDP port looks like a client's: Collector's scale (ConnTracker.cpp)."""
    if port >= 49152:
        return 4
    if port >= 32768:
        return 3
    if 1025 <= port <= 5000:
        return 2
    return 1 if port == 1024 else 0
