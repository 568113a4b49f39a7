"""gRPC over HTTP/1.1: requests of gRPC content types, answered as gRPC-Web.

An ASGI app that Central puts first; what is not gRPC goes to `fallback`. Unary and
server-streaming methods only: a client cannot stream over one HTTP/1.1 request (the
WebSocket form in `websocket.py` can). Rules and texts are those of
stackrox/go-grpc-http1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from google.protobuf.message import DecodeError, Message

from pyrox.clock import Clock
from pyrox.errors import Internal, Invalid, Unimplemented
from pyrox.rpc import frames
from pyrox.rpc.asgi import AsgiApp, Receive, Scope, Send
from pyrox.rpc.authn import Authenticator
from pyrox.rpc.call import Call
from pyrox.rpc.errors import Status, plain_text, status_of
from pyrox.rpc.exchange import MAX_REQUEST_BYTES, ClientGone, Edge, Exchange, close
from pyrox.rpc.methods import Method
from pyrox.rpc.websocket import SUBPROTOCOL, WebSocketCall

_WEB = "application/grpc-web"
_CONTENT_TYPES = frozenset({"application/grpc", _WEB})


class GrpcWeb:
    """The HTTP/1.1 side of gRPC, WebSocket included."""

    def __init__(
        self,
        *,
        methods: Mapping[str, Method],
        authenticator: Authenticator,
        clock: Clock,
        fallback: AsgiApp,
    ) -> None:
        self._methods = methods
        self._edge = Edge(authenticator=authenticator, clock=clock)
        self._fallback = fallback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer gRPC, pass the rest on."""
        if scope["type"] not in {"http", "websocket"}:
            await self._fallback(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        if exchange.headers.get("sec-websocket-protocol") == SUBPROTOCOL:
            if scope["type"] == "websocket":
                await WebSocketCall(exchange, receive, send, self._edge).serve(
                    self._methods.get(exchange.path)
                )
            else:
                await _refuse(
                    exchange, 400, "a gRPC WebSocket needs Connection: Upgrade and Upgrade: websocket"
                )
        elif scope["type"] == "http" and _content_type(exchange) in _CONTENT_TYPES:
            await self._dispatch(exchange)
        else:
            await self._fallback(scope, receive, send)

    async def _dispatch(self, exchange: Exchange) -> None:
        method = self._methods.get(exchange.path)
        if method is not None and method.client_streaming:
            await _refuse(exchange, 500, "Method cannot be downgraded")
        elif _content_type(exchange) != _WEB and _WEB not in _accepted(exchange):
            await _refuse(exchange, 500, "Client neither supports trailers nor gRPC web responses")
        else:
            try:
                await _WebCall(exchange, self._edge).serve(method)
            except ClientGone:
                return


class _WebCall:
    """One request answered as gRPC-Web."""

    def __init__(self, exchange: Exchange, edge: Edge) -> None:
        self._exchange = exchange
        self._edge = edge
        _, plus, suffix = exchange.headers["content-type"].partition("+")
        self._headers: dict[str, str] = {"content-type": f"{_WEB}{plus}{suffix}"}
        self._started = False

    async def serve(self, method: Method | None) -> None:
        """Run the call and end it with its status. Raises `ClientGone`."""
        try:
            if method is None:
                raise unknown_method(self._exchange.path)
            call = await self._edge.call(method, self._exchange, self._send_headers)
            method.authorize(call)
            request = decode(method, await self._message())
            await self._exchange.while_connected(self._answer(method, request, call))
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - the RPC edge
            await self._end(status_of(error))
        else:
            await self._end(Status(0))

    async def _message(self) -> bytes:
        limit = MAX_REQUEST_BYTES
        body = await self._exchange.body(limit + frames.HEADER_BYTES)
        encoding = self._exchange.headers.get("grpc-encoding", "identity")
        messages = [
            frames.message_bytes(flag, data, encoding, limit) for flag, data in frames.frames(body, limit)
        ]
        if len(messages) != 1:
            raise Internal(f"a request of this method is one message, not {len(messages)}")
        return messages[0]

    async def _answer(self, method: Method, request: Message, call: Call) -> None:
        if not method.server_streaming:
            await self._write(await method.unary(request, call))
            return
        answers: AsyncIterator[Message] = method.stream(request, call)
        try:
            async for answer in answers:
                await self._write(answer)
        finally:
            await close(answers)

    async def _write(self, answer: Message) -> None:
        await self._send_headers({})
        await self._exchange.write(frames.frame(answer.SerializeToString()))

    async def _send_headers(self, headers: Mapping[str, str]) -> None:
        if not self._started:
            self._started = True
            self._headers.update(headers)
            await self._exchange.start(200, self._headers.items())

    async def _end(self, status: Status) -> None:
        """Trailers in the body, or in the headers when there was no body."""
        trailers = frames.status_headers(status.code, status.message)
        if self._started:
            await self._exchange.write(frames.block(trailers), last=True)
        else:
            await self._exchange.start(200, [*self._headers.items(), *trailers])
            await self._exchange.write(b"", last=True)


def decode(method: Method, raw: bytes) -> Message:
    """The request message. Raises `Invalid` when the bytes are not one."""
    try:
        return method.request.FromString(raw)
    except DecodeError as err:
        raise Invalid.of(f"the request is not a {method.request.DESCRIPTOR.full_name}") from err


def unknown_method(path: str) -> Unimplemented:
    """The refusal of a path that no service offers, in grpc-go's words."""
    service, _, method = path.removeprefix("/").rpartition("/")
    return Unimplemented(f"unknown method {method} for service {service}")


def _content_type(exchange: Exchange) -> str:
    return exchange.headers.get("content-type", "").partition("+")[0].partition(";")[0].strip()


def _accepted(exchange: Exchange) -> set[str]:
    return {value.partition("+")[0].partition(";")[0].strip() for value in exchange.values("accept")}


async def _refuse(exchange: Exchange, status: int, text: str) -> None:
    _, body, headers = plain_text(Status(13, text))
    await exchange.answer(status, headers, body)
