"""gRPC over a WebSocket: all four shapes, errors, ends and clients that leave."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from pyrox.rpc import frames, methods
from pyrox.rpc.grpcweb import GrpcWeb
from tests.support import echo
from tests.support.asgi import WebSocket, no_fallback, request
from tests.support.pki import FixedClock
from tests.support.servicers import OnePassword

WS = {"Sec-Websocket-Protocol": "grpc-ws", "Connection": "Upgrade", "Upgrade": "websocket"}
LIMIT = 10**6


@pytest.fixture
def servicer() -> echo.Echo:
    echo.declare()
    return echo.Echo()


def app_of(servicer: echo.Echo) -> GrpcWeb:
    return GrpcWeb(
        methods=methods.table([servicer]),
        authenticator=OnePassword(),
        clock=FixedClock(),
        fallback=no_fallback,
    )


def message(value: bytes) -> bytes:
    return frames.frame(BytesValue(value=value).SerializeToString())


class Client:
    """One call."""

    def __init__(self, servicer: echo.Echo, name: str, **headers: str) -> None:
        self.socket = WebSocket(app_of(servicer), f"/{echo.NAME}/{name}", {**WS, **headers})

    async def accepted(self) -> None:
        assert await self.socket.next() == {"type": "websocket.accept", "subprotocol": "grpc-ws"}

    async def frame(self) -> tuple[int, bytes]:
        event = await self.socket.next()
        assert event["type"] == "websocket.send"
        [found] = frames.frames(event["bytes"], LIMIT)
        return found

    async def block(self) -> dict[str, str]:
        flag, payload = await self.frame()
        assert flag == frames.METADATA
        return frames.parse_block(payload)

    async def value(self) -> bytes:
        flag, payload = await self.frame()
        assert flag == 0
        return BytesValue.FromString(payload).value

    async def closed(self) -> None:
        assert await self.socket.next() == {"type": "websocket.close", "code": 1000, "reason": ""}
        await self.socket.task


async def test_unary_call_is_headers_message_trailers(servicer: echo.Echo) -> None:
    client = Client(servicer, "Open")
    client.socket.send(message(b"hello"))
    client.socket.send(frames.END_OF_STREAM)
    await client.accepted()
    assert await client.block() == {"content-type": "application/grpc"}
    assert await client.value() == b"hello"
    assert await client.block() == {"grpc-status": "0"}
    await client.closed()


async def test_client_stream_ends_with_the_end_frame(servicer: echo.Echo) -> None:
    client = Client(servicer, "Collect")
    for part in (b"a", b"b", b"c"):
        client.socket.send(message(part))
    client.socket.send(frames.END_OF_STREAM)
    await client.accepted()
    await client.block()
    assert await client.value() == b"abc"
    assert await client.block() == {"grpc-status": "0"}


async def test_bidirectional_stream_answers_before_the_end(servicer: echo.Echo) -> None:
    client = Client(servicer, "Chat")
    await client.accepted()
    assert (await client.block())["rox-sensor-hello"] == "true"
    for part in (b"1", b"2", b"3"):
        client.socket.send(message(part))
        assert await client.value() == part
    client.socket.send(frames.END_OF_STREAM)
    assert await client.value() == b"end"
    assert await client.block() == {"grpc-status": "0"}
    await client.closed()


async def test_client_that_leaves_ends_the_servicer(servicer: echo.Echo) -> None:
    client = Client(servicer, "Chat")
    await client.accepted()
    await client.block()
    client.socket.leave()
    async with asyncio.timeout(5):
        await client.socket.task
    assert servicer.closed.is_set()


async def test_server_stream(servicer: echo.Echo) -> None:
    client = Client(servicer, "Many")
    client.socket.send(message(b"2"))
    await client.accepted()
    await client.block()
    assert [len(await client.value()) for _ in range(2)] == [1000, 1000]
    assert await client.block() == {"grpc-status": "0"}


@pytest.mark.parametrize(
    ("name", "sent", "code"),
    [
        ("Open", message(b"invalid"), "3"),
        ("One", message(b"x"), "16"),
        ("NoSuch", message(b"x"), "12"),
        ("Open", b"\x00\x00", "3"),
        ("Open", frames.frame(b"x", frames.METADATA), "3"),
        ("Open", frames.END_OF_STREAM, "13"),
        ("Open", "text", "3"),
        ("Open", frames.frame(b"\xff\xff"), "3"),
    ],
    ids=["refused", "stranger", "unknown", "cut short", "metadata", "no request", "text", "not a message"],
)
async def test_error_is_in_the_trailers(servicer: echo.Echo, name: str, sent: Any, code: str) -> None:
    client = Client(servicer, name)
    client.socket.send(sent)
    await client.accepted()
    assert await client.block() == {"content-type": "application/grpc"}
    assert (await client.block())["grpc-status"] == code
    await client.closed()


async def test_deadline_ends_the_call(servicer: echo.Echo) -> None:
    client = Client(servicer, "Chat", **{"grpc-timeout": "10m"})
    await client.accepted()
    await client.block()
    assert (await client.block())["grpc-status"] == "4"
    assert servicer.closed.is_set()


async def test_many_messages_ahead_of_the_servicer_wait(servicer: echo.Echo) -> None:
    client = Client(servicer, "Collect")
    for _ in range(100):
        client.socket.send(message(b"x" * 10))
    client.socket.send(frames.END_OF_STREAM)
    await client.accepted()
    await client.block()
    assert len(await client.value()) == 1000


async def test_request_without_upgrade_is_400(servicer: echo.Echo) -> None:
    answer = await request(
        app_of(servicer), "GET", f"/{echo.NAME}/Open", headers={"Sec-Websocket-Protocol": "grpc-ws"}
    )
    assert answer.status == 400
