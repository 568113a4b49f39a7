"""The one TLS port: HTTP/2 goes to the gRPC server, everything else to the ASGI app.

Central, Sensor and the scanner services each build one. It decides by the first bytes
of a connection, not by ALPN, keeps the client certificate at the peer's name, and
reloads certificates with every new connection. It must not know methods or routes.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyrox import log
from pyrox.clock import Clock
from pyrox.env import Address
from pyrox.mtls.reload import ServerTls
from pyrox.rpc.asgi import AsgiApp, HttpSide
from pyrox.rpc.connection import DEFAULT_LIMITS, Connection, Limits
from pyrox.rpc.peers import Peers

_LOG = log.get(__name__)
_BACKLOG = 512
_DRAIN_SECONDS = 10.0
_ACCEPT_PAUSE = 0.1
_DRAIN_PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address to listen at."""

    host: str
    port: int
    tls: ServerTls | None = None
    """None makes it a plaintext endpoint."""
    optional: bool = False
    """Whether the front goes on without it when it cannot listen there."""

    @classmethod
    def parse(cls, address: str, tls: ServerTls | None = None) -> Endpoint:
        """The endpoint at `host:port`; an empty host means every address. Raises `Invalid`."""
        found = Address.parse(address)
        return cls(found.host, found.port, tls)


class Front:
    """A component that accepts connections and hands them to one of the two servers."""

    def __init__(
        self,
        *,
        endpoints: Sequence[Endpoint],
        app: AsgiApp | None,
        peers: Peers | None,
        clock: Clock,
        limits: Limits = DEFAULT_LIMITS,
        name: str = "front",
    ) -> None:
        """Start it after the `RpcServer` that shares `peers`.

        Without an app HTTP/1 connections are closed, without `peers` HTTP/2 ones.
        """
        self.name = name
        self._endpoints = tuple(endpoints)
        self._peers = peers
        self._limits = limits
        self._http = (
            None
            if app is None
            else HttpSide(
                app=app,
                clock=clock,
                header_bytes=limits.header_bytes,
                header_seconds=limits.header_seconds,
                idle_seconds=limits.idle_seconds,
            )
        )
        self._connections: set[Connection] = set()
        self.addresses: list[tuple[str, int]] = []
        """Where it listens, once ready; tells the port when 0 was asked for."""

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def run(self, ready: Callable[[], None]) -> None:
        """Accept until cancelled, then let running HTTP requests end for ten seconds.

        Connections to gRPC stay: its server says goodbye to them when it stops.
        """
        for endpoint in self._endpoints:
            if endpoint.tls is not None:
                # A certificate that cannot be read must stop the start, not the first client.
                _ = endpoint.tls.context
        opened = [(endpoint, listener) for endpoint in self._endpoints if (listener := _opened(endpoint))]
        listeners = [listener for _, listener in opened]
        self.addresses = [listener.getsockname()[:2] for listener in listeners]
        try:
            async with asyncio.TaskGroup() as group:
                for endpoint, listener in opened:
                    group.create_task(self._accept(endpoint, listener))
                if self._http is not None:
                    group.create_task(self._http.keep_date())
                ready()
        finally:
            for listener in listeners:
                listener.close()
            await self._drain()

    async def _accept(self, endpoint: Endpoint, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                while len(self._connections) >= self._limits.connections:  # noqa: ASYNC110 - rare
                    # The kernel's backlog holds the others meanwhile.
                    await asyncio.sleep(_ACCEPT_PAUSE)
                try:
                    accepted, address = await loop.sock_accept(listener)
                except OSError as err:
                    _LOG.warning("connection not accepted", error=str(err))
                    await asyncio.sleep(_ACCEPT_PAUSE)
                    continue
                connection = Connection(
                    peers=self._peers, http=self._http, limits=self._limits, on_end=self._connections.discard
                )
                self._connections.add(connection)
                group.create_task(connection.serve(accepted, f"{address[0]}:{address[1]}", endpoint.tls))

    async def _drain(self) -> None:
        for connection in tuple(self._connections):
            if connection.undecided:
                connection.abort()
        if self._http is not None:
            self._http.finish()
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                while any(not connection.grpc for connection in self._connections):  # noqa: ASYNC110 - rare
                    await asyncio.sleep(_DRAIN_PAUSE)
        except TimeoutError:
            _LOG.warning("HTTP connections were still open when the front stopped")
            for connection in tuple(self._connections):
                if not connection.grpc:
                    connection.abort()


def _opened(endpoint: Endpoint) -> socket.socket | None:
    try:
        return _listen(endpoint)
    except OSError as err:
        if not endpoint.optional:
            raise
        address = f"{endpoint.host}:{endpoint.port}"
        _LOG.warning("optional endpoint not opened", endpoint=address, reason=str(err))
        return None


def _listen(endpoint: Endpoint) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    listener = socket.create_server(
        (endpoint.host, endpoint.port), family=family, backlog=_BACKLOG, dualstack_ipv6=False
    )
    listener.setblocking(False)
    return listener
