"""The look at the first bytes, on a transport that only records."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.rpc.asgi import HttpSide, Receive, Scope, Send
from pyrox.rpc.connection import PREFACE, Connection, Limits
from tests.support.pki import FixedClock
from tests.unit.pyrox.rpc.test_asgi import Recorder


class FullRecorder(Recorder):
    """A recorder that a protocol may be set on, and that may be aborted."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: Any = None

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """No buffer."""

    def abort(self) -> None:
        self.closed = True


async def _unused(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError(scope)


def opened(*, http: bool) -> tuple[Connection, FullRecorder, list[Connection]]:
    ended: list[Connection] = []
    side = HttpSide(app=_unused, clock=FixedClock()) if http else None
    connection = Connection(peers=None, http=side, limits=Limits(), on_end=ended.append)
    transport = FullRecorder()
    connection.connection_made(transport)
    return connection, transport, ended


@pytest.mark.parametrize("first", [b"GET / H", b"PRI * HTTP/1.1\r\n", b"P", b"PR"])
async def test_bytes_that_are_no_preface_go_to_http(first: bytes) -> None:
    connection, transport, ended = opened(http=True)
    for position in range(len(first)):
        connection.data_received(first[position : position + 1])
    decided = not PREFACE.startswith(first)
    assert (transport.protocol is not None) is decided
    assert connection.undecided is not decided
    (transport.protocol or connection).connection_lost(None)
    assert ended == [connection]


async def test_preface_without_a_grpc_server_closes() -> None:
    connection, transport, _ = opened(http=True)
    connection.data_received(PREFACE + b"more")
    assert transport.closed
    connection.connection_lost(None)


async def test_http_without_an_app_closes() -> None:
    connection, transport, _ = opened(http=False)
    connection.data_received(b"GET / HTTP/1.1\r\n")
    assert transport.closed
    connection.connection_lost(None)


async def test_end_before_the_first_byte_is_reported_once() -> None:
    connection, _, ended = opened(http=True)
    assert not connection.eof_received()
    connection.connection_lost(None)
    assert ended == [connection]
