"""REST/JSON: the HTTP bindings of the methods, answered as upstream's gateway does.

An ASGI app. Central puts it before its custom routes: what is not under `/v1/` or
`/v2/` goes to `fallback`. It must not know any method; all comes from descriptors.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from google.protobuf.message import Message

from pyrox.clock import Clock
from pyrox.rpc.asgi import AsgiApp, Receive, Scope, Send
from pyrox.rpc.authn import Authenticator
from pyrox.rpc.codec import Decoder, Encoder
from pyrox.rpc.codec.encode import SLICE_BYTES
from pyrox.rpc.errors import Status, status_of
from pyrox.rpc.exchange import BodyStream, ClientGone, Edge, Exchange, close
from pyrox.rpc.httprule import Route, Router
from pyrox.rpc.methods import Method
from pyrox.rpc.query import populate, set_variable

PREFIXES = ("/v1/", "/v2/")
_NOT_FOUND = Status(5, "Not Found")
_WRONG_VERB = Status(12, "Method Not Allowed")
_COMMON = {"cache-control": "no-store, no-cache", "vary": "Accept-Encoding"}
_JSON = {**_COMMON, "content-type": "application/json"}
# Larger bodies are read in a thread, so that the loop serves others meanwhile: finding
# the fault in a malformed body takes about a microsecond for each byte.
_INLINE_BODY = 16 * 1024


class Gateway:
    """The REST side of a method table."""

    def __init__(
        self,
        *,
        methods: Mapping[str, Method],
        authenticator: Authenticator,
        clock: Clock,
        fallback: AsgiApp,
    ) -> None:
        self._router = Router(methods)
        self._edge = Edge(authenticator=authenticator, clock=clock)
        self._fallback = fallback
        self._encoder = Encoder()
        self._decoder = Decoder()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request under the prefixes, else pass it on."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIXES):
            await self._fallback(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        found = self._router.find(exchange.verb, exchange.path)
        if found is None:
            known = self._router.other_verb(exchange.verb, exchange.path)
            await _refuse(exchange, _WRONG_VERB if known else _NOT_FOUND)
            return
        try:
            await self._serve(exchange, *found)
        except ClientGone:
            return

    async def _serve(self, exchange: Exchange, route: Route, variables: Mapping[str, str]) -> None:
        if route.method.server_streaming:
            await self._serve_stream(exchange, route, variables)
            return
        headers: dict[str, str] = {}
        try:
            call = await self._edge.call(route.method, exchange, _collector(headers))
            # Before the body is looked at: strangers shall not make us parse.
            route.method.authorize(call)
            request = await self._request(exchange, route, variables)
            answer = await exchange.while_connected(route.method.unary(request, call))
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - the RPC edge
            await _refuse(exchange, status_of(error))
            return
        await self._answer(exchange, answer, headers)

    async def _request(self, exchange: Exchange, route: Route, variables: Mapping[str, str]) -> Message:
        request = route.method.request()
        body = await exchange.body()
        if route.body:
            target = request if route.body == "*" else getattr(request, route.body)
            if len(body) > _INLINE_BODY:
                await asyncio.to_thread(self._decoder.decode, body, target)
            else:
                self._decoder.decode(body, target)
            if target is not request:
                target.SetInParent()
        for path, value in variables.items():
            set_variable(request, path, value)
        if route.body != "*":
            populate(request, exchange.query, (*variables, *filter(None, (route.body,))))
        return request

    async def _answer(self, exchange: Exchange, answer: Message, metadata: Mapping[str, str]) -> None:
        headers = _success_headers(metadata)
        if _pretty(exchange):
            body = await asyncio.to_thread(self._encoder.encode, answer, pretty=True)
            await exchange.answer(200, headers, body)
        elif answer.ByteSize() <= SLICE_BYTES:
            await exchange.answer(200, headers, self._encoder.encode(answer))
        else:
            stream = BodyStream(exchange)
            await stream.start(200, headers)
            await self._write_slices(stream, answer)
            await stream.end()

    async def _write_slices(self, stream: BodyStream, message: Message) -> None:
        """Others get their turn on the loop after each slice."""
        for piece in _coalesced(self._encoder.pieces(message)):
            await stream.write(piece, flush=False)
            await asyncio.sleep(0)

    async def _serve_stream(self, exchange: Exchange, route: Route, variables: Mapping[str, str]) -> None:
        stream = BodyStream(exchange)
        headers: dict[str, str] = {}
        try:
            call = await self._edge.call(route.method, exchange, _collector(headers))
            route.method.authorize(call)
            request = await self._request(exchange, route, variables)
            answers = route.method.stream(request, call)
            await exchange.while_connected(self._pour(stream, answers, headers))
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - the RPC edge
            await _break_off(stream, status_of(error))
        if not stream.started:
            await stream.start(200, _COMMON)
        await stream.end()

    async def _pour(
        self, stream: BodyStream, answers: AsyncIterator[Message], metadata: Mapping[str, str]
    ) -> None:
        """One line for each message."""
        try:
            async for answer in answers:
                if not stream.started:
                    await stream.start(200, _success_headers(metadata))
                if answer.ByteSize() <= SLICE_BYTES:
                    await stream.write(b'{"result":%b}\n' % self._encoder.encode(answer), flush=True)
                    continue
                await stream.write(b'{"result":', flush=False)
                await self._write_slices(stream, answer)
                await stream.write(b"}\n", flush=True)
        finally:
            await close(answers)


def _collector(headers: dict[str, str]) -> Any:
    async def collect(sent: Mapping[str, str]) -> None:
        headers.update(sent)

    return collect


def _success_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    shown = {f"grpc-metadata-{key}": value for key, value in metadata.items()}
    return {**_JSON, "grpc-metadata-content-type": "application/grpc", **shown}


def _pretty(exchange: Exchange) -> bool:
    return b"pretty" in exchange.query and any(
        key == "pretty" for key, _ in parse_qsl(exchange.query.decode("latin-1"), keep_blank_values=True)
    )


def _coalesced(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Small neighbours joined up to about one slice."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= SLICE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


async def _refuse(exchange: Exchange, status: Status) -> None:
    await exchange.answer(status.http, {**_JSON, **status.headers}, status.json)


async def _break_off(stream: BodyStream, status: Status) -> None:
    """The error as the last line of a stream."""
    if not stream.started:
        await stream.start(status.http, _JSON)
    error = {"code": status.code, "message": status.message, "details": []}
    await stream.write(orjson.dumps({"error": error}) + b"\n", flush=True)
