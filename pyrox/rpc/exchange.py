"""One HTTP request as the REST gateway and gRPC-Web see it, on top of ASGI.

It reads the body within a limit, finds who calls, runs the work under the caller's
deadline and ends it when the client goes away, and writes answers, compressed when the
client accepts that. It must not know methods' meanings or any encoding of messages.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pyrox.clock import Clock
from pyrox.errors import DeadlinePassed, NoCredentials
from pyrox.rpc.asgi import Receive, Scope, Send
from pyrox.rpc.authn import Authenticator, identity_for
from pyrox.rpc.call import Call, SendHeaders
from pyrox.rpc.frames import too_large
from pyrox.rpc.methods import Method
from pyrox.rpc.peers import Peer, peer_of

T = TypeVar("T")
# Upstream pkg/env/grpc_max_message_size.go.
MAX_REQUEST_BYTES = 24 * 1024 * 1024
# Below this a compressed answer is hardly smaller and costs both sides time.
_GZIP_MIN_BYTES = 1400
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31  # zlib: 15 bits plus 16 for the gzip form
_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])", re.ASCII)
_UNIT_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


class ClientGone(Exception):
    """The client closed the connection before the answer was ready."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What both HTTP adapters need to turn a request into a `Call`."""

    authenticator: Authenticator
    clock: Clock

    async def call(self, method: Method, exchange: Exchange, send_headers: SendHeaders) -> Call:
        """The call of this request. Raises `NoCredentials` when they are bad and needed."""
        metadata = exchange.metadata()
        identity = await identity_for(method, self.authenticator, metadata, exchange.peer.certificate)
        timeout = exchange.timeout
        return Call(
            method=method.path,
            identity=identity,
            metadata=metadata,
            deadline=None if timeout is None else self.clock.monotonic() + timeout,
            peer=exchange.peer.address,
            send_headers=send_headers,
        )


class Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.verb: str = scope.get("method", "GET")
        self.path: str = scope["path"]
        self.query: bytes = scope.get("query_string", b"")
        self.peer: Peer = peer_of(scope)
        self._pairs: list[tuple[str, str]] = [
            (key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in scope["headers"]
        ]
        self.headers = dict(self._pairs)

    def values(self, header: str) -> list[str]:
        """All values of a header, split at commas."""
        return [part.strip() for key, value in self._pairs if key == header for part in value.split(",")]

    def metadata(self) -> Mapping[str, str]:
        """The request's headers as a servicer sees them. Raises `NoCredentials`."""
        if sum(key == "authorization" for key, _ in self._pairs) > 1:
            raise NoCredentials.of("more than one authorization header")
        return self.headers

    @property
    def timeout(self) -> float | None:
        """Seconds that the caller waits (`grpc-timeout`), or None."""
        match = _TIMEOUT.fullmatch(self.headers.get("grpc-timeout", ""))
        return None if match is None else int(match[1]) * _UNIT_SECONDS[match[2]]

    @property
    def accepts_gzip(self) -> bool:
        """Whether the answer may be compressed."""
        for part in self.values("accept-encoding"):
            coding, _, parameters = part.partition(";")
            if coding.strip().lower() == "gzip":
                return parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
        return False

    async def body(self, limit: int = MAX_REQUEST_BYTES) -> bytes:
        """The whole body. Raises `Exhausted` beyond the limit, `ClientGone` when cut short."""
        declared = self.headers.get("content-length", "")
        if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
            raise too_large(int(declared), limit)
        parts: list[bytes] = []
        size = 0
        while True:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise ClientGone
            part: bytes = event.get("body", b"")
            size += len(part)
            if size > limit:
                raise too_large(size, limit)
            parts.append(part)
            if not event.get("more_body", False):
                return b"".join(parts)

    async def while_connected(self, work: Awaitable[T]) -> T:
        """The work's result, within the caller's deadline and as long as it is there.

        Call it after the body was read. Raises `ClientGone` or `DeadlinePassed`; the work
        is cancelled then.
        """
        working = asyncio.ensure_future(work)
        watching = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait({working, watching}, timeout=self.timeout, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise ClientGone if watching.done() else DeadlinePassed("context deadline exceeded")
        finally:
            await _cancel(working, watching)

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        """Send status and headers."""
        raw = [(key.encode("latin-1"), value.encode("latin-1", "replace")) for key, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, data: bytes, *, last: bool = False) -> None:
        """Send a part of the body."""
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer, compressed when that is accepted and pays."""
        extra = dict(headers)
        if self.accepts_gzip and len(body) >= _GZIP_MIN_BYTES:
            packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
            body = packer.compress(body) + packer.flush()
            extra["content-encoding"] = "gzip"
        extra["content-length"] = str(len(body))
        await self.start(status, extra.items())
        await self.write(body, last=True)


class BodyStream:
    """The body of a long answer, written piece by piece."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._packer: Any = None
        self.started = False

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the headers; decides whether the body is compressed."""
        extra = dict(headers)
        if self._exchange.accepts_gzip:
            self._packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
            extra["content-encoding"] = "gzip"
        self.started = True
        await self._exchange.start(status, extra.items())

    async def write(self, data: bytes, *, flush: bool) -> None:
        """Send a piece; with `flush` the client can read all of it at once."""
        if self._packer is not None:
            data = self._packer.compress(data)
            if flush:
                data += self._packer.flush(zlib.Z_SYNC_FLUSH)
        if data:
            await self._exchange.write(data)

    async def end(self) -> None:
        """Send what is left."""
        await self._exchange.write(b"" if self._packer is None else self._packer.flush(), last=True)


async def close(answers: AsyncIterator[Any]) -> None:
    """End a stream's generator now, so that what its servicer opened is released."""
    ending = getattr(answers, "aclose", None)
    if ending is not None:
        await ending()


async def _cancel(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
