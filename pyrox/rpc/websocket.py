"""gRPC over a WebSocket: one call per connection, all streaming modes.

`grpcweb.py` hands such connections over. Each binary message is one frame; the client
ends its stream with an empty metadata frame; the server sends a frame of headers, the
answers, and a frame of trailers (stackrox/go-grpc-http1). The request's metadata are
the headers of the upgrade.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from google.protobuf.message import DecodeError, Message

from pyrox.errors import DeadlinePassed, Internal, Invalid, Unimplemented
from pyrox.rpc import frames
from pyrox.rpc.asgi import Receive, Send
from pyrox.rpc.call import Call
from pyrox.rpc.errors import Status, status_of
from pyrox.rpc.exchange import MAX_REQUEST_BYTES, ClientGone, Edge, Exchange, close
from pyrox.rpc.methods import Method

SUBPROTOCOL = "grpc-ws"
_NORMAL = 1000  # RFC 6455 §7.4.1
# Messages read ahead of the servicer; a further one waits in the connection's own buffer.
_READ_AHEAD = 4


class WebSocketCall:
    """One call on its own WebSocket."""

    def __init__(self, exchange: Exchange, receive: Receive, send: Send, edge: Edge) -> None:
        self._exchange = exchange
        self._receive = receive
        self._send = send
        self._edge = edge
        self._incoming: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(_READ_AHEAD)
        self._started = False

    async def serve(self, method: Method | None) -> None:
        """Accept, run the call, send its status, close."""
        if (await self._receive())["type"] != "websocket.connect":
            return
        await self._send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
        try:
            await self._run(method)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - the RPC edge
            await self._end(status_of(error))
        else:
            await self._end(Status(0))

    async def _run(self, method: Method | None) -> None:
        if method is None:
            service, _, name = self._exchange.path.removeprefix("/").rpartition("/")
            raise Unimplemented(f"unknown method {name} for service {service}")
        call = await self._edge.call(method, self._exchange, self._send_headers)
        method.authorize(call)
        working = asyncio.ensure_future(self._answer(method, call))
        reading = asyncio.ensure_future(self._read())
        timeout = self._exchange.timeout
        try:
            await asyncio.wait({working, reading}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise ClientGone if reading.done() else DeadlinePassed("context deadline exceeded")
            working.result()
        finally:
            for task in (working, reading):
                task.cancel()
            await asyncio.gather(working, reading, return_exceptions=True)

    async def _read(self) -> None:
        """Feed the servicer's request stream; returns when the client is gone."""
        ended = False
        while (event := await self._receive())["type"] == "websocket.receive":
            if ended:
                continue
            try:
                message = self._unpacked(event.get("bytes"))
            except Exception as error:  # noqa: BLE001 - told to the servicer's stream
                await self._incoming.put(error)
                ended = True
            else:
                await self._incoming.put(message)
                ended = message is None

    def _unpacked(self, data: bytes | None) -> bytes | None:
        """The message of one frame; None for the end of the stream."""
        if data is None:
            raise Invalid("incorrect message type; expected MessageBinary but got MessageText")
        if data == frames.END_OF_STREAM:
            return None
        [(flag, payload)] = _one_frame(data)
        encoding = self._exchange.headers.get("grpc-encoding", "identity")
        return frames.message_bytes(flag, payload, encoding, MAX_REQUEST_BYTES)

    async def _requests(self, method: Method) -> AsyncIterator[Message]:
        while (item := await self._incoming.get()) is not None:
            if isinstance(item, Exception):
                raise item
            try:
                yield method.request.FromString(item)
            except DecodeError as err:
                raise Invalid.of(f"the request is not a {method.request.DESCRIPTOR.full_name}") from err

    async def _answer(self, method: Method, call: Call) -> None:
        requests = self._requests(method)
        try:
            request: Any = requests if method.client_streaming else await _only(requests)
            if not method.server_streaming:
                await self._write(await method.unary(request, call))
                return
            answers = method.stream(request, call)
            try:
                async for answer in answers:
                    await self._write(answer)
            finally:
                await close(answers)
        finally:
            await close(requests)

    async def _write(self, answer: Message) -> None:
        await self._send_headers({})
        await self._bytes(frames.frame(answer.SerializeToString()))

    async def _send_headers(self, headers: Mapping[str, str]) -> None:
        if not self._started:
            self._started = True
            await self._bytes(frames.block({"content-type": "application/grpc", **headers}.items()))

    async def _end(self, status: Status) -> None:
        await self._send_headers({})
        await self._bytes(frames.block(frames.status_headers(status.code, status.message)))
        await self._send({"type": "websocket.close", "code": _NORMAL, "reason": ""})

    async def _bytes(self, data: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": data})


def _one_frame(data: bytes) -> list[tuple[int, bytes]]:
    found = list(frames.frames(data, MAX_REQUEST_BYTES))
    if len(found) != 1 or found[0][0] & frames.METADATA:
        raise Invalid("message is an invalid gRPC message frame")
    return found


async def _only(requests: AsyncIterator[Message]) -> Message:
    """The single request of a method that takes one."""
    async for request in requests:
        return request
    raise Internal("the client ended its stream without a request")
