"""One accepted connection: TLS, a look at the first bytes, then a pipe to gRPC or HTTP.

Only `pyrox.rpc.front` uses it. After the choice no task is left: bytes are moved by
protocol callbacks. It must not know methods, routes or identities.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509

from pyrox import log
from pyrox.mtls.reload import ServerTls
from pyrox.rpc.asgi import HttpSide
from pyrox.rpc.peers import Peer, Peers

_LOG = log.get(__name__)

# RFC 9113 section 3.4: every HTTP/2 client starts with these 24 bytes.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HANDSHAKE_RECORD = 0x16  # first byte of a TLS ClientHello
# Go's answer (net/http), which upstream's clients look for in error texts.
_PLAIN_HTTP = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
# An empty SETTINGS frame, then GOAWAY: last stream 0, INADEQUATE_SECURITY (0xc).
_PLAIN_H2 = bytes.fromhex("000000040000000000" + "000008070000000000" + "000000000000000c")
_CONNECT_SECONDS = 5.0
_GOODBYE_SECONDS = 2.0
_CONNECT_PAUSE = 0.02
_BUFFER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one front takes, and for how long it waits."""

    connections: int = 4096
    handshake_seconds: float = 10.0
    first_byte_seconds: float = 60.0
    """roxctl opens a connection only to see the certificate and sends nothing."""
    close_seconds: float = 10.0
    header_seconds: float = 30.0
    header_bytes: int = 1 << 20
    """Go's `DefaultMaxHeaderBytes`."""
    idle_seconds: float = 180.0
    """How long an HTTP connection is kept between requests."""


DEFAULT_LIMITS = Limits()


class Connection(asyncio.Protocol):
    """A client's connection, from accept to close."""

    def __init__(
        self,
        *,
        peers: Peers | None,
        http: HttpSide | None,
        limits: Limits,
        on_end: Callable[[Connection], None],
    ) -> None:
        self._peers = peers
        self._http = http
        self._limits = limits
        self._on_end = on_end
        self._address = ""
        self._name = ""
        self._first = b""
        self._is_http = False
        self._over = False
        self._transport: asyncio.Transport | None = None
        self._inner: _Inner | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def grpc(self) -> bool:
        """Whether the connection was handed to gRPC."""
        return self._inner is not None

    @property
    def undecided(self) -> bool:
        """Whether the client has not yet said what it speaks."""
        return self._inner is None and not self._is_http

    async def serve(self, accepted: socket.socket, address: str, tls: ServerTls | None) -> None:
        """Do the handshake; from then on callbacks do the rest."""
        self._address = address
        try:
            async with asyncio.timeout(self._limits.handshake_seconds):
                await self._open(accepted, tls)
        except OSError as err:
            # Time-outs and TLS errors are OSErrors: a client without a good certificate,
            # a scanner, or one that went away.
            self._failed(accepted, err)
        except Exception as err:  # noqa: BLE001 - the edge: one connection must not end the others
            _LOG.error("connection failed", peer=address, error=repr(err), exc_info=err)
            self._failed(accepted, err)
        except asyncio.CancelledError as err:
            self._failed(accepted, err)
            raise

    def _failed(self, accepted: socket.socket, reason: BaseException) -> None:
        _LOG.info("connection ended in the handshake", peer=self._address, reason=str(reason) or repr(reason))
        accepted.close()
        self.abort()
        self._ended()

    async def _open(self, accepted: socket.socket, tls: ServerTls | None) -> None:
        loop = asyncio.get_running_loop()
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is None:
            await loop.connect_accepted_socket(lambda: self, accepted)
            return
        if (start := await _peek(accepted))[:1] != bytes([_HANDSHAKE_RECORD]):
            raise _refuse_plain(accepted, start)
        await loop.connect_accepted_socket(
            lambda: self,
            accepted,
            ssl=tls.context,
            ssl_handshake_timeout=self._limits.handshake_seconds,
            ssl_shutdown_timeout=self._limits.close_seconds,
        )

    def abort(self) -> None:
        """Close at once, without flushing."""
        if self._transport is not None:
            self._transport.abort()
        if self._inner is not None:
            self._inner.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # always one
        """The handshake is done; the client must speak soon."""
        self._transport = transport
        transport.set_write_buffer_limits(high=_BUFFER_BYTES)
        self._close_after(self._limits.first_byte_seconds)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on, or collect the first ones until they tell what this is."""
        if self._inner is not None:
            self._inner.send(data)
            return
        self._first += data
        if PREFACE.startswith(self._first[: len(PREFACE)]):
            if len(self._first) >= len(PREFACE):
                self._choose_grpc()
        else:
            self._choose_http()

    def eof_received(self) -> bool:
        """The client sends no more: tell gRPC, whose last answers may still pass."""
        if self._inner is None:
            return False
        self._inner.finish()
        self._close_after(self._limits.close_seconds)
        # A TLS connection cannot be half closed: its transport closes whatever is said here.
        return self._open_transport().get_extra_info("sslcontext") is None

    def pause_writing(self) -> None:
        """The client reads slowly: stop taking bytes from gRPC."""
        if self._inner is not None:
            self._inner.pause()

    def resume_writing(self) -> None:
        """The client caught up."""
        if self._inner is not None:
            self._inner.resume()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        """The client is gone."""
        if self._inner is not None:
            self._inner.finish()
            self._inner.client_gone(self._limits.close_seconds)
        self._ended()

    # The two ways on.

    def _choose_http(self) -> None:
        transport = self._open_transport()
        self._cancel_timer()
        if self._http is None:
            transport.close()
            return
        self._is_http = True
        protocol = self._http.protocol(self._peer(), self._ended)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        first, self._first = self._first, b""
        protocol.data_received(first)

    def _choose_grpc(self) -> None:
        self._cancel_timer()
        if self._peers is None:
            self._open_transport().close()
            return
        self._name = self._peers.new_name()
        self._peers.add(self._name, self._peer())
        self._inner = _Inner(client=self._open_transport(), on_lost=self._grpc_lost)
        self._inner.send(self._first)
        self._first = b""
        self._inner.start(self._name, str(self._peers.grpc_socket))

    def _grpc_lost(self) -> None:
        """The gRPC server closed: flush to the client, then close."""
        if self._over:
            return
        transport = self._open_transport()
        waiting = transport.get_write_buffer_size()
        transport.close()
        # TLS would wait for the client's goodbye, which gRPC's C core never says.
        self._close_after(self._limits.close_seconds if waiting else _GOODBYE_SECONDS)

    def _peer(self) -> Peer:
        transport = self._open_transport()
        tls: Any = transport.get_extra_info("ssl_object")
        if tls is None:
            return Peer(address=self._address)
        der = tls.getpeercert(binary_form=True)
        certificate = x509.load_der_x509_certificate(der) if der else None
        return Peer(address=self._address, certificate=certificate, secure=True)

    def _open_transport(self) -> asyncio.Transport:
        assert self._transport is not None  # noqa: S101 - set before any other callback
        return self._transport

    def _close_after(self, seconds: float) -> None:
        self._cancel_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.abort)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ended(self) -> None:
        self._over = True
        self._cancel_timer()
        if self._peers is not None:
            self._peers.remove(self._name)
        self._on_end(self)


class _Inner(asyncio.Protocol):
    """The pipe's end at the gRPC server: a socket bound to a name that only we know."""

    def __init__(self, *, client: asyncio.Transport, on_lost: Callable[[], None]) -> None:
        self._client = client
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._early = b""
        self._finished = False
        self._closed = False
        self._deaf = False
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, name: str, server: str) -> None:
        """Connect; what arrives meanwhile is kept, and the client is not read."""
        self._client.pause_reading()
        self._task = asyncio.get_running_loop().create_task(self._connect(name, server))

    async def _connect(self, name: str, server: str) -> None:
        try:
            connected = await _connect_unix(name, server)
            await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=connected)
        except OSError as err:
            _LOG.error("the gRPC server does not take connections", error=str(err))
            self._client.abort()
            return
        if not self._client.is_closing():
            self._client.resume_reading()

    def send(self, data: bytes) -> None:
        """Pass the client's bytes on."""
        if self._transport is None:
            self._early += data
        else:
            self._transport.write(data)

    def finish(self) -> None:
        """The client sends no more."""
        self._finished = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def client_gone(self, seconds: float) -> None:
        """Flush to gRPC, which then closes; cut it off when it has not after `seconds`.

        What it still says is read and dropped: C-core stops reading while its own answers
        (to a flood of pings, say) are not taken, and both sides would wait for ever.
        """
        self._deaf = True
        self.resume()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.abort)

    def abort(self) -> None:
        """Close at once."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Stop reading from gRPC."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read from gRPC again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # always one
        """Pass on what arrived before."""
        self._transport = transport
        transport.set_write_buffer_limits(high=_BUFFER_BYTES)
        transport.write(self._early)
        self._early = b""
        if self._finished:
            transport.write_eof()
        if self._closed:
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Pass gRPC's bytes to the client."""
        if not self._deaf:
            self._client.write(data)

    def pause_writing(self) -> None:
        """The gRPC server reads slowly: stop reading from the client."""
        if not self._client.is_closing():
            self._client.pause_reading()

    def resume_writing(self) -> None:
        """The gRPC server caught up."""
        if not self._client.is_closing():
            self._client.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        """The gRPC server closed the connection."""
        if self._timer is not None:
            self._timer.cancel()
        self._on_lost()


async def _peek(accepted: socket.socket) -> bytes:
    """The first bytes, left in the socket for TLS to read."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(accepted, _set, readable)
    try:
        await readable
    finally:
        loop.remove_reader(accepted)
    return accepted.recv(len(PREFACE), socket.MSG_PEEK)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _refuse_plain(accepted: socket.socket, start: bytes) -> ssl.SSLError:
    """Tell a client that speaks no TLS what is wrong; the error to raise."""
    if start:
        # Unread bytes would turn the close into a reset, which eats the answer.
        accepted.recv(65536)
        accepted.send(_PLAIN_H2 if start == PREFACE else _PLAIN_HTTP)
        accepted.shutdown(socket.SHUT_WR)
    return ssl.SSLError("the client does not speak TLS")


async def _connect_unix(name: str, server: str) -> socket.socket:
    """A socket bound to `name` and connected to the server; the name's file is gone again."""
    connecting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        connecting.bind(name)
        # The kernel keeps the address; the file would only pile up.
        Path(name).unlink()  # noqa: ASYNC240 - in memory, two system calls
        async with asyncio.timeout(_CONNECT_SECONDS):
            while connecting.connect_ex(server) == errno.EAGAIN:  # noqa: ASYNC110 - no event tells
                # The server's backlog is full (unix(7)).
                await asyncio.sleep(_CONNECT_PAUSE)
        connecting.getpeername()
    except BaseException:
        connecting.close()
        raise
    return connecting
