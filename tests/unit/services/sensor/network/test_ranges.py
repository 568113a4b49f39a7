"""Named ranges, and what Collectors are told of them."""

from __future__ import annotations

import asyncio
import ipaddress

from services.sensor.network.ranges import Ranges
from tests.support.network_scene import pushed

NET = ipaddress.ip_network


def test_named_range_is_found_by_its_address_only() -> None:
    ranges = Ranges()
    ranges.on_push(pushed(1, all="10.0.0.0/8", odd="everything"))
    assert ranges.id_of(NET("10.0.0.0/8")) == "all"
    assert ranges.id_of(NET("10.0.0.0/16")) == ""


def test_older_message_is_dropped_until_a_new_stream_counts_anew() -> None:
    ranges = Ranges()
    ranges.on_push(pushed(2, new="10.0.0.0/8"))
    ranges.on_push(pushed(1, old="11.0.0.0/8"))
    ranges.on_push(pushed(2, same="12.0.0.0/8"))
    assert ranges.id_of(NET("10.0.0.0/8")) == "new"
    ranges.forget_number()
    ranges.on_push(pushed(1, other="13.0.0.0/8"))
    assert (ranges.id_of(NET("10.0.0.0/8")), ranges.id_of(NET("13.0.0.0/8"))) == ("", "other")


def test_collector_is_told_networks_from_the_narrowest_on_and_public_addresses() -> None:
    ranges = Ranges()
    ranges.on_push(pushed(1, a="10.0.0.0/8", b="10.1.0.0/16", c="2001:db8::/32"))
    ranges.set_public([ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::2")])
    told = ranges.control()
    assert told.ip_networks.ipv4_networks == b"\x0a\x01\x00\x00\x10\x0a\x00\x00\x00\x08"
    assert told.ip_networks.ipv6_networks == b"\x20\x01\x0d\xb8" + b"\x00" * 12 + b"\x20"
    assert list(told.public_ip_addresses.ipv4_addresses) == [0x7F000001]
    assert list(told.public_ip_addresses.ipv6_addresses) == [0, 2]


async def test_news_come_with_each_change_and_not_without_one() -> None:
    ranges = Ranges()
    waiting = asyncio.create_task(ranges.news(0))
    await asyncio.sleep(0)
    assert not waiting.done()
    ranges.on_push(pushed(1))
    assert await waiting == 1
    address = ipaddress.ip_address("8.8.8.8")
    ranges.set_public([address])
    ranges.set_public([address])
    assert await ranges.news(1) == 2
    assert ranges.version == 2
