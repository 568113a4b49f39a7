"""HTTP/1.1 protocols on a transport that only records."""

from __future__ import annotations

import asyncio
from typing import Any

from pyrox.rpc.asgi import HttpSide, Receive, Scope, Send
from pyrox.rpc.peers import Peer, peer_of
from tests.support.pki import FixedClock


class Recorder(asyncio.Transport):
    """A transport without a socket."""

    def __init__(self) -> None:
        super().__init__({"peername": ("10.0.0.1", 5), "sockname": ("10.0.0.2", 8443)})
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """Nothing is read anyway."""

    def resume_reading(self) -> None:
        """Nothing is read anyway."""


class Site:
    def __init__(self, header_bytes: int = 1000) -> None:
        self.scopes: list[Scope] = []
        self.ended = 0
        self.clock = FixedClock()
        self.side = HttpSide(app=self.app, clock=self.clock, header_bytes=header_bytes)
        self.transport = Recorder()
        self.protocol: Any = self.side.protocol(Peer("10.0.0.1:5", secure=True), self.on_end)
        self.protocol.connection_made(self.transport)

    def on_end(self) -> None:
        self.ended += 1

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def feed(self, data: bytes) -> None:
        self.protocol.data_received(data)
        for _ in range(5):
            await asyncio.sleep(0)

    def lose(self) -> None:
        self.protocol.connection_lost(None)


async def test_request_carries_the_peer_and_gets_a_date() -> None:
    site = Site()
    await site.feed(b"GET /v1/ping HTTP/1.1\r\nHost: x\r\n\r\n")
    assert peer_of(site.scopes[0]) == Peer("10.0.0.1:5", secure=True)
    assert site.transport.written.startswith(b"HTTP/1.1 204")
    assert b"date: Tue, 24 Nov 2026 09:00:00 GMT\r\n" in site.transport.written
    site.lose()
    assert site.ended == 1


async def test_forwarded_headers_do_not_change_the_peer() -> None:
    site = Site()
    await site.feed(
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: wss\r\n\r\n"
    )
    assert site.scopes[0]["client"] == ("10.0.0.1", 5)
    assert site.scopes[0]["scheme"] == "http"
    site.lose()


async def test_each_of_many_requests_may_have_a_full_head() -> None:
    site = Site(header_bytes=200)
    for _ in range(10):
        await site.feed(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 120 + b"\r\n\r\n")
    assert len(site.scopes) == 10
    assert not site.transport.closed
    site.lose()


async def test_head_above_the_limit_is_refused_and_closed() -> None:
    site = Site(header_bytes=200)
    await site.feed(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
    for _ in range(5):
        await site.feed(b"a" * 100)
        if site.transport.closed:
            break
    assert site.transport.written.startswith(b"HTTP/1.1 400")
    assert site.transport.closed
    assert site.scopes == []
    site.lose()


async def test_body_is_not_counted_as_head() -> None:
    site = Site(header_bytes=100)
    await site.feed(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n")
    for _ in range(3):
        await site.feed(b"b" * 1000)
    assert site.transport.written.startswith(b"HTTP/1.1 204")
    site.lose()


async def test_finish_closes_idle_connections() -> None:
    site = Site()
    site.side.finish()
    assert site.transport.closed
    site.lose()


async def test_date_follows_the_clock() -> None:
    site = Site()
    ticking = asyncio.create_task(site.side.keep_date())
    for _ in range(3):
        await asyncio.sleep(0)
    ticking.cancel()
    assert site.clock.slept[0] == 1.0
    await site.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"09:00:00 GMT" not in site.transport.written
    site.lose()
