"""Messages of a Collector about connections, made of a few words."""

from __future__ import annotations

import ipaddress
from datetime import datetime

from pyrox.pb.internalapi.sensor import network_connection_info_pb2 as info_pb2
from pyrox.pb.internalapi.sensor.network_enums_pb2 import ClientServerRole
from pyrox.pb.storage.network_flow_pb2 import L4Protocol
from services.sensor.network.addresses import packed

CLIENT, SERVER = ClientServerRole.ROLE_CLIENT, ClientServerRole.ROLE_SERVER
TCP, UDP = L4Protocol.L4_PROTOCOL_TCP, L4Protocol.L4_PROTOCOL_UDP
CONTAINER = "abcdef012345"


def to(
    address: str,
    port: int = 443,
    *,
    container: str = CONTAINER,
    network: str = "",
    closed: datetime | None = None,
) -> info_pb2.NetworkConnection:
    """A connection that the container opened, as Collector normalises it."""
    made = info_pb2.NetworkConnection(role=CLIENT, protocol=TCP, container_id=container)
    _remote(made, address, port, network)
    if closed is not None:
        made.close_timestamp.FromDatetime(closed)
    return made


def by(
    address: str, port: int = 8080, *, container: str = CONTAINER, network: str = ""
) -> info_pb2.NetworkConnection:
    """A connection that the container took on its port."""
    made = info_pb2.NetworkConnection(role=SERVER, protocol=TCP, container_id=container)
    made.local_address.port = port
    _remote(made, address, 0, network)
    return made


def listens(
    port: int, *, container: str = CONTAINER, closed: datetime | None = None
) -> info_pb2.NetworkEndpoint:
    """A port that the container listens on."""
    made = info_pb2.NetworkEndpoint(protocol=TCP, container_id=container)
    made.listen_address.port = port
    if closed is not None:
        made.close_timestamp.FromDatetime(closed)
    return made


def told(
    *changes: info_pb2.NetworkConnection | info_pb2.NetworkEndpoint, at: datetime | None = None
) -> info_pb2.NetworkConnectionInfo:
    """One message; `at` is the Collector's clock."""
    made = info_pb2.NetworkConnectionInfo()
    for change in changes:
        if isinstance(change, info_pb2.NetworkConnection):
            made.updated_connections.append(change)
        else:
            made.updated_endpoints.append(change)
    if at is not None:
        made.time.FromDatetime(at)
    return made


def _remote(made: info_pb2.NetworkConnection, address: str, port: int, network: str) -> None:
    made.remote_address.address_data = ipaddress.ip_address(address).packed
    made.remote_address.port = port
    if network:
        made.remote_address.ip_network = packed(ipaddress.ip_network(network))
