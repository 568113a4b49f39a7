"""The kernel's tables of sockets."""

from __future__ import annotations

import ipaddress

import pytest

from pyrox.pb.storage.network_flow_pb2 import L4Protocol
from services.collector.network.sockets import Socket, State, read_table
from tests.support.made_proc import HEAD, line

IP = ipaddress.ip_address
TCP, UDP = L4Protocol.L4_PROTOCOL_TCP, L4Protocol.L4_PROTOCOL_UDP


def test_connected_and_listening_sockets_are_read() -> None:
    lines = [
        HEAD,
        line("0100007F:1F90", "00000000:0000", "0A", "11"),
        line("0200000A:C350", "08080808:01BB", "01", "12"),
        line("0200000A:C351", "08080808:01BB", "06", "13"),
    ]
    assert list(read_table("tcp", lines)) == [
        Socket(TCP, IP("127.0.0.1"), 8080, ipaddress.IPv4Address(0), 0, State.LISTENING, 11),
        Socket(TCP, IP("10.0.0.2"), 50000, IP("8.8.8.8"), 443, State.CONNECTED, 12),
    ]


def test_words_of_ipv6_are_in_the_machines_order_and_mapped_ipv4_is_ipv4() -> None:
    six = "B80D0120000000000000000001000000"
    four = "0000000000000000FFFF00000200000A"
    (socket,) = read_table("tcp6", [line(f"{four}:0050", f"{six}:C350", "01")])
    assert (socket.local, socket.remote) == (IP("10.0.0.2"), IP("2001:db8::1"))


def test_unconnected_udp_socket_listens() -> None:
    (socket,) = read_table("udp", [line("00000000:0035", "00000000:0000", "07")])
    assert (socket.protocol, socket.local_port, socket.state) == (UDP, 53, State.LISTENING)
    assert list(read_table("tcp", [line("00000000:0035", "00000000:0000", "07")])) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rubbish",
        line("0200000A", "08080808:01BB", "01"),
        line("02A:0050", "08080808:01BB", "01"),
        line("0200000A:0050", "08080808:01BB", "zz"),
        line("0200000A:0050", "08080808:01BB", "01", "many"),
        line("0200000A0A:0050", "08080808:01BB", "01"),
    ],
)
def test_line_that_is_none_is_left_out(text: str) -> None:
    good = line("0200000A:0050", "08080808:01BB", "01")
    assert len(list(read_table("tcp", [text, good]))) == 1
