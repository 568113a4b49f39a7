"""HTTP/1.1 behind the front: uvicorn's protocols on connections that others accepted.

`pyrox.rpc.front` makes one `HttpSide`; `AsgiServer` serves an app on an address of its
own (health, metrics). It must not know routes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import format_datetime
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from pyrox.clock import Clock
from pyrox.rpc.peers import SCOPE_KEY, Peer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

# Upstream's read limit of a gRPC-WebSocket message (stackrox/go-grpc-http1).
_WEBSOCKET_BYTES = 64 * 1024 * 1024


class HttpSide:
    """Makes the protocol object of each HTTP connection and keeps what they share."""

    def __init__(
        self,
        *,
        app: AsgiApp,
        clock: Clock,
        header_bytes: int = 1 << 20,
        header_seconds: float = 30.0,
        idle_seconds: float = 180.0,
    ) -> None:
        self._clock = clock
        self._config = uvicorn.Config(
            app,
            interface="asgi3",
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=_WEBSOCKET_BYTES,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=int(idle_seconds),
        )
        self._config.load()
        self._state = ServerState()
        self._header_bytes = header_bytes
        self._header_seconds = header_seconds
        self._set_date()

    def protocol(self, peer: Peer, on_end: Callable[[], None]) -> asyncio.Protocol:
        """The protocol for one connection; `on_end` is called when it is lost."""
        return _HttpProtocol(
            self._config,
            self._state,
            {SCOPE_KEY: peer},
            on_end=on_end,
            header_bytes=self._header_bytes,
            header_seconds=self._header_seconds,
        )

    async def keep_date(self) -> None:
        """Renew the Date header once a second, until cancelled."""
        while True:
            await self._clock.sleep(1.0)
            self._set_date()

    def finish(self) -> None:
        """Close idle connections now and the others after their running request."""
        for connection in tuple(self._state.connections):
            connection.shutdown()

    def _set_date(self) -> None:
        date = format_datetime(self._clock.now(), usegmt=True).encode()
        self._state.default_headers = [(b"date", date)]


class _HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with limits on the time and the size of a request's head."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        *,
        on_end: Callable[[], None],
        header_bytes: int,
        header_seconds: float,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._on_end = on_end
        self._limit = header_bytes
        self._seconds = header_seconds
        self._head_bytes = 0
        self._in_head = True
        self._head_timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Count the bytes of a head: the parser would collect them without end."""
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(self._seconds, self._head_too_slow)
            if self._head_bytes > self._limit + len(data):
                self.send_400_response("The request's head is too large.")
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._head_bytes = 0
        self._stop_head_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next bytes are another request's head."""
        self._in_head = True
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Go on as a WebSocket that reports its end to the front as well."""
        self.ws_protocol_class = self._websocket  # type: ignore[assignment]  # called, never subclassed
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_head_timer()
        super().connection_lost(exc)
        self._on_end()

    def _websocket(self, **arguments: Any) -> _WebSocketProtocol:
        return _WebSocketProtocol(on_end=self._on_end, **arguments)

    def _head_too_slow(self) -> None:
        if not self.transport.is_closing():
            self.send_400_response("The request's head took too long.")

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket that tells the front when it ends."""

    def __init__(self, *, on_end: Callable[[], None], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._on_end = on_end

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        super().connection_lost(exc)
        self._on_end()
