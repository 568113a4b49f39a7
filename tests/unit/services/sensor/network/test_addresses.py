"""Addresses as Collector sends them."""

from __future__ import annotations

import ipaddress

import pytest

from pyrox.pb.internalapi.sensor.network_connection_info_pb2 import NetworkAddress
from services.sensor.network.addresses import (
    ANY_PUBLIC,
    address_of,
    confidence,
    is_port,
    is_public,
    network_of,
    packed,
)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x0a\x00\x00\x01", "10.0.0.1"),
        (b"\x00" * 10 + b"\xff\xff\x0a\x00\x00\x01", "10.0.0.1"),
        (b"\x20\x01\x0d\xb8" + b"\x00" * 11 + b"\x01", "2001:db8::1"),
    ],
)
def test_address_is_read_from_its_bytes(data: bytes, text: str) -> None:
    assert str(address_of(NetworkAddress(address_data=data))) == text


@pytest.mark.parametrize("data", [b"", b"123", b"12345", b"1" * 17])
def test_bytes_that_are_no_address_are_none(data: bytes) -> None:
    assert address_of(NetworkAddress(address_data=data)) is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x0a\x01\x00\x00\x10", "10.1.0.0/16"),
        (b"\x0a\x01\x02\x03\x10", "10.1.0.0/16"),
        (b"\x20\x01\x0d\xb8" + b"\x00" * 12 + b"\x20", "2001:db8::/32"),
    ],
)
def test_range_is_read_from_its_bytes_and_length(data: bytes, text: str) -> None:
    found = network_of(NetworkAddress(ip_network=data))
    assert str(found) == text


@pytest.mark.parametrize("data", [b"", b"\x0a\x01\x00\x00", b"\x0a\x01\x00\x00\x21", b"1" * 16, b"\xff" * 17])
def test_bytes_that_are_no_range_are_none(data: bytes) -> None:
    assert network_of(NetworkAddress(ip_network=data)) is None


@pytest.mark.parametrize("text", ["10.1.0.0/16", "2001:db8::/32", "0.0.0.0/0"])
def test_range_as_collector_reads_it_is_read_back(text: str) -> None:
    network = ipaddress.ip_network(text)
    assert network_of(NetworkAddress(ip_network=packed(network))) == network


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("8.8.8.8", True),
        ("2600::1", True),
        ("10.1.2.3", False),
        ("172.31.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.1.1", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("::1", False),
        ("255.255.255.255", False),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", False),
    ],
)
def test_public_is_what_lies_outside_of_private_ranges(text: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(text)) is public


def test_what_stands_for_any_public_address_is_known_in_both_versions() -> None:
    assert sorted(address.version for address in ANY_PUBLIC) == [4, 6]


@pytest.mark.parametrize(
    ("port", "level"),
    [(60000, 4), (49152, 4), (40000, 3), (5000, 2), (1025, 2), (1024, 1), (53, 0), (8080, 0)],
)
def test_ports_look_like_a_clients_on_collectors_scale(port: int, level: int) -> None:
    assert confidence(port) == level


@pytest.mark.parametrize(("number", "possible"), [(0, True), (65535, True), (65536, False), (1 << 31, False)])
def test_port_has_sixteen_bits(number: int, possible: bool) -> None:
    assert is_port(number) is possible
