"""The gRPC server: turns wire calls into `Call`s and errors into statuses.

Each process builds one from its method table and puts it behind a `Front`, or on a
plain address. It must not know which services exist or who may call them.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import unquote

import grpc
from google.protobuf.message import DecodeError, Message

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Invalid, NoCredentials, NotAuthorized, Unavailable, Unimplemented
from pyrox.rpc.authn import Authenticator, identity_for
from pyrox.rpc.call import Call
from pyrox.rpc.errors import Status, status_of
from pyrox.rpc.methods import Method
from pyrox.rpc.peers import NOBODY, Peer, Peers

_LOG = log.get(__name__)
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_MEBI = 1024 * 1024
# Clients of C-core refuse trailers above 8 KiB, and percent-encoding may treble a text.
_MAX_MESSAGE = 2400
_STOP_SECONDS = 10.0

Context = grpc.aio.ServicerContext[Any, Any]
Handler = Callable[[Any, Context], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class RpcOptions:
    """Limits of the server; the defaults are upstream's (pkg/grpc/server.go, pkg/env)."""

    max_receive_bytes: int = 24 * _MEBI
    max_send_bytes: int = 256 * _MEBI
    max_streams: int = 100
    keepalive_seconds: float = 40.0
    min_ping_interval_seconds: float = 5.0
    gzip_methods: frozenset[str] = frozenset()
    """Paths whose answers are compressed when the client accepts gzip.

    Upstream answers in gzip when the request was; gRPC's core does not tell a servicer
    which encoding a request had, so the streams whose clients do so are named.
    """

    def channel_arguments(self) -> list[tuple[str, int]]:
        """The options in C-core's names."""
        return [
            ("grpc.max_receive_message_length", self.max_receive_bytes),
            ("grpc.max_send_message_length", self.max_send_bytes),
            ("grpc.max_concurrent_streams", self.max_streams),
            ("grpc.keepalive_time_ms", int(self.keepalive_seconds * 1000)),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.keepalive_permit_without_calls", 1),
            (
                "grpc.http2.min_ping_interval_without_data_ms",
                int(self.min_ping_interval_seconds * 1000),
            ),
            ("grpc.http2.max_pings_without_data", 0),
            # Tokens with many claims are longer than C-core's 8 KiB.
            ("grpc.max_metadata_size", 256 * 1024),
            ("grpc.absolute_max_metadata_size", 512 * 1024),
            ("grpc.so_reuseport", 0),
        ]


DEFAULT_OPTIONS = RpcOptions()


class RpcServer:
    """A component that serves a method table over gRPC."""

    name = "grpc"

    def __init__(
        self,
        *,
        methods: Mapping[str, Method],
        authenticator: Authenticator,
        peers: Peers,
        clock: Clock,
        options: RpcOptions = DEFAULT_OPTIONS,
        plain_address: str = "",
    ) -> None:
        """Listen behind a front that shares `peers`, and at `plain_address` when it is given.

        Callers at the plain address have no certificate; it is meant for addresses
        inside a pod.
        """
        self._adapter = _Adapter(methods, authenticator, peers, clock, options)
        self._peers = peers
        self._options = options
        self._plain_address = plain_address
        self.plain_port = 0

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled; then end streams at once and let other calls end for ten seconds."""
        self._peers.open()
        server = grpc.aio.server(options=self._options.channel_arguments())
        server.add_generic_rpc_handlers((self._adapter,))
        try:
            server.add_insecure_port(f"unix:{self._peers.grpc_socket}")
            if self._plain_address:
                self.plain_port = server.add_insecure_port(self._plain_address)
            await server.start()
            ready()
            await asyncio.Event().wait()
        finally:
            self._adapter.end_streams()
            await server.stop(_STOP_SECONDS)
            self._peers.close()


class _Adapter(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # not generic at run time
    """Finds the method of a path and wraps it for gRPC."""

    def __init__(
        self,
        methods: Mapping[str, Method],
        authenticator: Authenticator,
        peers: Peers,
        clock: Clock,
        options: RpcOptions,
    ) -> None:
        self._authenticator = authenticator
        self._peers = peers
        self._clock = clock
        self._gzip = options.gzip_methods
        self._streams: set[asyncio.Task[Any]] = set()
        self._ending = False
        self._handlers = {path: self._handler(method) for path, method in methods.items()}

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler of the path, or one that says in Go's words that there is none."""
        path = handler_call_details.method
        return self._handlers.get(path) or grpc.stream_stream_rpc_method_handler(self._unknown(path))

    def _unknown(self, path: str) -> Any:
        service, _, name = path.removeprefix("/").rpartition("/")
        known = any(other.startswith(f"/{service}/") for other in self._handlers)
        text = f"unknown method {name} for service {service}" if known else f"unknown service {service}"

        async def answer(raw: Any, context: Context) -> None:  # noqa: ARG001 - gRPC's form
            await _abort(context, Unimplemented(text))

        return answer

    def _handler(self, method: Method) -> grpc.RpcMethodHandler[Any, Any]:
        match method.client_streaming, method.server_streaming:
            case False, False:
                return grpc.unary_unary_rpc_method_handler(self._one(method, _decode))
            case True, False:
                return grpc.stream_unary_rpc_method_handler(self._one(method, _decode_all))
            case False, True:
                return grpc.unary_stream_rpc_method_handler(self._many(method, _decode))
            case _:
                return grpc.stream_stream_rpc_method_handler(self._many(method, _decode_all))

    def _one(self, method: Method, decode: Callable[[Method, Any], Any]) -> Any:
        async def answer(raw: Any, context: Context) -> bytes:
            try:
                call = await self._call(method, context)
                return (await method.unary(decode(method, raw), call)).SerializeToString()
            except Exception as error:  # noqa: BLE001 - the RPC edge
                await _abort(context, error)

        return answer

    def _many(self, method: Method, decode: Callable[[Method, Any], Any]) -> Any:
        async def answer(raw: Any, context: Context) -> None:
            with self._as_stream():
                try:
                    call = await self._call(method, context)
                    await _send_all(method.stream(decode(method, raw), call), context)
                except asyncio.CancelledError:
                    if not self._ending:
                        raise
                    await _abort(context, Unavailable("the server is shutting down"))
                except Exception as error:  # noqa: BLE001 - the RPC edge
                    await _abort(context, error)

        return answer

    def end_streams(self) -> None:
        """End all running streams as Unavailable, which makes clients connect again."""
        self._ending = True
        for task in tuple(self._streams):
            task.cancel()

    @contextmanager
    def _as_stream(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - gRPC runs each handler in a task
        self._streams.add(task)
        try:
            yield
        finally:
            self._streams.discard(task)

    async def _call(self, method: Method, context: Context) -> Call:
        if method.path in self._gzip:
            context.set_compression(grpc.Compression.Gzip)
        peer = self._peer(context)
        metadata = _metadata(context)
        identity = await identity_for(method, self._authenticator, metadata, peer.certificate)
        remaining = context.time_remaining()
        return Call(
            method=method.path,
            identity=identity,
            metadata=metadata,
            deadline=None if remaining is None else self._clock.monotonic() + remaining,
            peer=peer.address,
            send_headers=_sender(context),
        )

    def _peer(self, context: Context) -> Peer:
        name = context.peer()
        if not name.startswith("unix:"):
            return NOBODY
        peer = self._peers.find(unquote(name.removeprefix("unix:")))
        if peer is None:
            _LOG.error("call from a socket that the front did not open", socket=name)
            raise NotAuthorized.of("the connection did not come through the front")
        return peer


def _metadata(context: Context) -> dict[str, str]:
    metadata: dict[str, str] = {}
    for key, value in context.invocation_metadata() or ():
        if key == "authorization" and key in metadata:
            raise NoCredentials.of("more than one authorization header")
        metadata[key] = value if isinstance(value, str) else base64.b64encode(value).decode()
    return metadata


def _sender(context: Context) -> Callable[[Mapping[str, str]], Awaitable[None]]:
    async def send(headers: Mapping[str, str]) -> None:
        await context.send_initial_metadata(tuple(headers.items()))

    return send


def _decode(method: Method, raw: bytes) -> Message:
    try:
        return method.request.FromString(raw)
    except DecodeError as err:
        raise Invalid.of(f"the request is not a {method.request.DESCRIPTOR.full_name}") from err


async def _decode_all(method: Method, raw: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    async for message in raw:
        yield _decode(method, message)


async def _send_all(answers: AsyncIterator[Message], context: Context) -> None:
    try:
        async for answer in answers:
            await context.write(answer.SerializeToString())
    finally:
        # A generator holds what its servicer opened; end it here, not when it is collected.
        close = getattr(answers, "aclose", None)
        if close is not None:
            await close()


async def _abort(context: Context, error: Exception) -> NoReturn:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    status = status_of(error)
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    await context.abort(code, _shortened(status), status.trailers)
    raise AssertionError("abort returned")


def _shortened(status: Status) -> str:
    return status.message if len(status.message) <= _MAX_MESSAGE else f"{status.message[:_MAX_MESSAGE]}…"
