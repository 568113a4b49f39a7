"""What of sockets is worth telling."""

from __future__ import annotations

import ipaddress

import pytest

from pyrox.pb.internalapi.sensor.network_connection_iservice_pb2 import NetworkFlowsControlMessage
from pyrox.pb.internalapi.sensor.network_enums_pb2 import ClientServerRole, SocketFamily
from pyrox.pb.storage.network_flow_pb2 import L4Protocol
from services.collector.network.known import ANY, Connection, Listening, Ranges, connections, listening
from services.collector.network.scrape import Owned
from services.collector.network.sockets import Socket, State

IP, NET = ipaddress.ip_address, ipaddress.ip_network
TCP, UDP = L4Protocol.L4_PROTOCOL_TCP, L4Protocol.L4_PROTOCOL_UDP
OWN, NOWHERE = "10.0.0.2", str(ipaddress.IPv4Address(0))
PLAIN = Ranges()
RANGES = Ranges(
    public=frozenset({IP("9.9.9.9")}), networks=(NET("8.8.8.0/24"), NET("8.8.0.0/16"), NET("2001:db8::/32"))
)


def owned(
    remote: str,
    *,
    server: bool = False,
    local: str = OWN,
    ports: tuple[int, int] = (50000, 443),
    protocol: L4Protocol.ValueType = TCP,
    state: State = State.CONNECTED,
) -> Owned:
    socket = Socket(protocol, IP(local), ports[0], IP(remote), ports[1], state, 1)
    return Owned(socket, "container", server)


def test_client_is_told_by_the_servers_address_and_port() -> None:
    again = owned("10.0.0.9", ports=(50001, 443))
    assert connections([owned("10.0.0.9"), again], PLAIN) == {
        Connection("container", False, IP("10.0.0.9"), None, 443, TCP)
    }


def test_server_is_told_by_its_own_port_whatever_the_clients() -> None:
    sockets = [owned("10.0.0.9", server=True, ports=(80, port)) for port in (50000, 50001)]
    assert connections(sockets, PLAIN) == {Connection("container", True, IP("10.0.0.9"), None, 80, TCP)}


@pytest.mark.parametrize(
    ("remote", "told", "network"),
    [
        ("8.8.8.8", "8.8.8.0", "8.8.8.0/24"),
        ("8.8.4.4", "8.8.0.0", "8.8.0.0/16"),
        ("2001:db8::9", "2001:db8::", "2001:db8::/32"),
        ("1.1.1.1", "255.255.255.255", None),
        ("2600::1", str(ANY[6]), None),
        ("9.9.9.9", "9.9.9.9", None),
        ("192.168.1.1", "192.168.1.1", None),
    ],
)
def test_public_address_is_told_as_its_range_or_as_any(remote: str, told: str, network: str | None) -> None:
    (found,) = connections([owned(remote)], RANGES)
    assert (found.remote, found.network) == (IP(told), NET(network) if network else None)


def test_private_address_is_told_with_its_range() -> None:
    (found,) = connections([owned("10.1.2.3")], Ranges(networks=(NET("10.0.0.0/8"),)))
    assert (found.remote, found.network) == (IP("10.1.2.3"), NET("10.0.0.0/8"))


@pytest.mark.parametrize("remote", ["127.0.0.1", "::1", "169.254.169.254", "fe80::1", NOWHERE])
def test_what_is_nobodys_business_is_not_told(remote: str) -> None:
    assert connections([owned(remote)], PLAIN) == set()


def test_discard_over_udp_and_what_only_listens_is_no_connection() -> None:
    discard = owned("10.0.0.9", ports=(50000, 9), protocol=UDP)
    assert connections([discard, owned("10.0.0.9", state=State.LISTENING)], PLAIN) == set()
    assert len(connections([owned("10.0.0.9", ports=(50000, 9))], PLAIN)) == 1


def test_ports_that_others_reach_are_listened_on() -> None:
    sockets = [
        owned(NOWHERE, local=NOWHERE, ports=(80, 0), state=State.LISTENING),
        owned(NOWHERE, local="127.0.0.1", ports=(81, 0), state=State.LISTENING),
        owned(NOWHERE, ports=(53, 0), protocol=UDP, state=State.LISTENING),
        owned(NOWHERE, ports=(40000, 0), protocol=UDP, state=State.LISTENING),
        owned("10.0.0.9"),
    ]
    assert listening(sockets) == {
        Listening("container", IP(NOWHERE), 80, TCP),
        Listening("container", IP(OWN), 53, UDP),
    }


def test_messages_say_what_sensor_reads() -> None:
    client = Connection("container", False, IP("8.8.8.0"), NET("8.8.8.0/24"), 443, TCP).message()
    assert client.role == ClientServerRole.ROLE_CLIENT
    assert (client.remote_address.port, client.local_address.port) == (443, 0)
    assert client.remote_address.address_data == b"\x08\x08\x08\x00"
    assert client.remote_address.ip_network == b"\x08\x08\x08\x00\x18"
    server = Connection("container", True, IP("2600::1"), None, 80, TCP).message()
    assert server.role == ClientServerRole.ROLE_SERVER
    assert (server.remote_address.port, server.local_address.port) == (0, 80)
    assert server.socket_family == SocketFamily.SOCKET_FAMILY_IPV6
    port = Listening("container", IP(OWN), 53, UDP).message()
    assert (port.listen_address.port, port.protocol, port.container_id) == (53, UDP, "container")


def test_ranges_are_read_as_sensor_writes_them() -> None:
    control = NetworkFlowsControlMessage()
    control.public_ip_addresses.ipv4_addresses.append(0x09090909)
    control.public_ip_addresses.ipv6_addresses.extend([0x2600 << 48, 1])
    control.ip_networks.ipv4_networks = b"\x08\x08\x08\x00\x18" + b"\x08\x08\x00\x00\x63" + b"odd"
    control.ip_networks.ipv6_networks = b"\x20\x01\x0d\xb8" + b"\x00" * 12 + b"\x20"
    ranges = Ranges.read(control)
    assert ranges.public == {IP("9.9.9.9"), IP("2600::1")}
    assert ranges.networks == (NET("8.8.8.0/24"), NET("2001:db8::/32"))
