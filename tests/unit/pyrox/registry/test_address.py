"""Addresses are taken apart, or refused with what is wrong with them."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.registry import address


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://quay.io/v2/", "quay.io", None),
        ("http://r.example:5000/v2/x?y=1", "r.example", 5000),
        ("https://[::1]:8443/", "::1", 8443),
        ("", None, None),
    ],
)
def test_address_has_its_parts(url: str, host: str | None, port: int | None) -> None:
    parts = address.split(url)
    assert (parts.hostname, parts.port) == (host, port)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://[::1/", "Invalid IPv6 URL"),
        ("https://r:65536/", "Port out of range 0-65535"),
        ("https://r:http/", "Port could not be cast to integer value as 'http'"),
        ("https://r:0/", "no server listens on port 0"),
    ],
)
def test_malformed_address_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        address.split(url)
    assert caught.value.message == f"registry address {url!r}: {reason}; expected http(s)://host[:port]"


def test_long_address_is_shown_cut() -> None:
    assert len(address.malformed("x" * 10_000, "too long").message) < 300


def test_location_is_joined_or_refused() -> None:
    assert address.join("https://a/v2/x", "../y") == "https://a/y"
    with pytest.raises(Invalid, match="Invalid IPv6 URL"):
        address.join("https://a/v2/x", "//[b/")
