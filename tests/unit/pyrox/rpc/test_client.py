"""Endpoints, names and options of clients."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pyrox.errors import Unavailable
from pyrox.mtls.reload import ClientTls
from pyrox.rpc.client import (
    ChannelOptions,
    Target,
    our_side_may_close,
    secure_channel,
    server_name,
    split_endpoint,
)
from tests.support.pki import FixedClock, Pki

ENDPOINTS = {
    "central.stackrox.svc:443": ("central.stackrox.svc", 443),
    "central.stackrox.svc": ("central.stackrox.svc", 443),
    "https://central.example.com:8443/path": ("central.example.com", 8443),
    "10.1.2.3:8443": ("10.1.2.3", 8443),
    "[fd00::1]:8443": ("fd00::1", 8443),
    "[fd00::1]": ("fd00::1", 443),
    "fd00::1": ("fd00::1", 443),
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_split_endpoint_finds_host_and_port(endpoint: str) -> None:
    assert split_endpoint(endpoint) == ENDPOINTS[endpoint]


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("central.stackrox.svc:443", "central.stackrox.svc"),
        ("127.0.10.1:8443", "central.stackrox"),
        ("[fd00::1]:8443", "central.stackrox"),
    ],
)
def test_server_name_of_an_address_is_the_services_own(endpoint: str, name: str) -> None:
    assert server_name(Target(endpoint, "central.stackrox")) == name


def test_channel_arguments_are_upstreams() -> None:
    arguments = dict(ChannelOptions(user_agent="Rox Sensor/4.11.0").channel_arguments("central.stackrox"))
    assert arguments["grpc.keepalive_time_ms"] == 10_000
    assert arguments["grpc.keepalive_timeout_ms"] == 40_000
    assert arguments["grpc.keepalive_permit_without_calls"] == 0
    assert arguments["grpc.max_receive_message_length"] == 25_165_824
    assert arguments["grpc.ssl_target_name_override"] == "central.stackrox"
    assert arguments["grpc.primary_user_agent"] == "Rox Sensor/4.11.0"


def test_channel_arguments_let_a_server_that_is_back_wait_for_seconds_only() -> None:
    arguments = dict(ChannelOptions().channel_arguments(""))
    assert arguments["grpc.initial_reconnect_backoff_ms"] == 500
    assert arguments["grpc.max_reconnect_backoff_ms"] == 5_000


async def test_service_cert_without_a_certificate_is_refused_at_once(tmp_path: Path) -> None:
    tls = ClientTls(authorities=[Pki(tmp_path).ca_file])
    with pytest.raises(ValueError, match="needs a client certificate"):
        secure_channel(Target("127.0.0.1:1", "central.stackrox"), tls=tls, service_cert=FixedClock())


async def test_call_whose_channel_we_closed_is_unavailable() -> None:
    words = "Sensor: the connection was closed on our side"
    with pytest.raises(Unavailable, match=words), our_side_may_close("Sensor"):
        raise asyncio.CancelledError


async def test_task_that_is_told_to_stop_stops() -> None:
    async def call() -> None:
        with our_side_may_close("Sensor"):
            await asyncio.Event().wait()

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
