"""Connections to other services: gRPC channels and HTTP clients with service certificates.

Every process that calls another one makes its channels here. It must not know which
methods are called.

grpcio can check a server by name only, not by subject as upstream's fallback verifier
does. So the name asked for (SNI, `:authority` and check) is the one in every service
certificate, `central.stackrox` or `sensor.stackrox`, whenever the endpoint's host is an
IP address or the caller knows that the peer shows its service certificate.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
import httpx

from pyrox.clock import Clock
from pyrox.errors import Unavailable
from pyrox.mtls.ca import load_certificates, load_key
from pyrox.mtls.reload import ClientMaterial, ClientTls
from pyrox.mtls.servicecert import make_token
from pyrox.rpc.authn import SERVICE_CERT_SCHEME

_MEBI = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ChannelOptions:
    """Settings of a client; the defaults are upstream's (pkg/clientconn)."""

    max_receive_bytes: int = 24 * _MEBI
    max_send_bytes: int = 256 * _MEBI
    keepalive_seconds: float = 10.0
    keepalive_timeout_seconds: float = 40.0
    first_reconnect_seconds: float = 0.5
    """C-core's pause before it connects anew; it grows from attempt to attempt."""
    longest_reconnect_seconds: float = 5.0
    """C-core's own ceiling of two minutes would let a server that is back wait that long: a call
    fails at once meanwhile, and callers that try again have pauses of their own."""
    user_agent: str = ""

    def channel_arguments(self, server_name: str) -> list[tuple[str, int | str]]:
        """The options in C-core's names."""
        arguments: list[tuple[str, int | str]] = [
            ("grpc.max_receive_message_length", self.max_receive_bytes),
            ("grpc.max_send_message_length", self.max_send_bytes),
            ("grpc.keepalive_time_ms", int(self.keepalive_seconds * 1000)),
            ("grpc.keepalive_timeout_ms", int(self.keepalive_timeout_seconds * 1000)),
            ("grpc.keepalive_permit_without_calls", 0),
            ("grpc.http2.max_pings_without_data", 0),
            ("grpc.initial_reconnect_backoff_ms", int(self.first_reconnect_seconds * 1000)),
            ("grpc.max_reconnect_backoff_ms", int(self.longest_reconnect_seconds * 1000)),
            # A channel made after a reload must not share the old one's connections.
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if self.user_agent:
            arguments.append(("grpc.primary_user_agent", self.user_agent))
        if server_name:
            arguments.append(("grpc.ssl_target_name_override", server_name))
        return arguments


_DEFAULTS = ChannelOptions()


def split_endpoint(endpoint: str) -> tuple[str, int]:
    """Host and port of `[scheme://]host[:port]`; 443 when no port is given."""
    bare = endpoint.rpartition("://")[2].partition("/")[0]
    if bare.startswith("["):
        host, _, rest = bare[1:].partition("]")
        port = rest.removeprefix(":")
    elif bare.count(":") == 1:
        host, _, port = bare.partition(":")
    else:
        host, port = bare, ""
    return host, int(port or 443)


@dataclass(frozen=True, slots=True)
class Target:
    """A server and the name that its service certificate carries."""

    endpoint: str
    """`[scheme://]host[:port]`."""
    service_hostname: str
    """`Subject.hostname` of the server, such as `central.stackrox`."""
    by_service_name: bool = False
    """Ask for the service name even when the endpoint's host is a name that the certificate lacks."""


def server_name(target: Target) -> str:
    """The name to ask the server for: the host, or its service name when the host is an IP address."""
    host = split_endpoint(target.endpoint)[0]
    if target.by_service_name:
        return target.service_hostname
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return target.service_hostname


def secure_channel(
    target: Target,
    *,
    tls: ClientTls,
    options: ChannelOptions = _DEFAULTS,
    gzip: bool = False,
    service_cert: Clock | None = None,
) -> grpc.aio.Channel:
    """A channel that shows the client's certificate; it connects with the first call.

    With `service_cert` every call also carries a fresh ServiceCert token, so that the
    identity survives a proxy that ends TLS.
    """
    host, port = split_endpoint(target.endpoint)
    material = tls.material
    credentials = grpc.ssl_channel_credentials(
        root_certificates=material.authorities_pem,
        private_key=material.key_pem,
        certificate_chain=material.cert_pem,
    )
    if service_cert is not None:
        token = grpc.metadata_call_credentials(_ServiceCertHeader(material, service_cert))
        credentials = grpc.composite_channel_credentials(credentials, token)
    return grpc.aio.secure_channel(
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        credentials,
        options=options.channel_arguments(server_name(target)),
        compression=grpc.Compression.Gzip if gzip else None,
    )


@contextmanager
def our_side_may_close(server: str) -> Iterator[None]:
    """A call whose channel is closed by us, as after a new certificate, ends with `Unavailable`.

    gRPC cancels such a call, which looks like the cancellation of the task that waits for it.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise Unavailable(f"{server}: the connection was closed on our side") from error


class Channels:
    """One server's channel, made anew when the client's certificate changed."""

    def __init__(
        self,
        target: Target,
        *,
        tls: ClientTls,
        options: ChannelOptions = _DEFAULTS,
        gzip: bool = False,
        service_cert: Clock | None = None,
    ) -> None:
        self._make: Callable[[], grpc.aio.Channel] = lambda: secure_channel(
            target, tls=tls, options=options, gzip=gzip, service_cert=service_cert
        )
        self._tls = tls
        self._channel: grpc.aio.Channel | None = None
        self._older: grpc.aio.Channel | None = None
        self._generation = 0

    async def channel(self) -> grpc.aio.Channel:
        """The channel for the next call.

        Calls on the one before go on until the certificate changes once more.
        """
        if self._channel is None or self._generation != self._tls.generation:
            ended, self._older, self._channel = self._older, self._channel, self._make()
            self._generation = self._tls.generation
            if ended is not None:
                await ended.close(None)
        return self._channel

    async def close(self) -> None:
        """Close all; running calls are cancelled."""
        for channel in (self._older, self._channel):
            if channel is not None:
                await channel.close(None)
        self._older = self._channel = None


def http_client(
    target: Target, *, tls: ClientTls, timeout: float = 30.0, headers: Mapping[str, str] | None = None
) -> httpx.AsyncClient:
    """An HTTP client for this server that shows the client's certificate; paths are relative to it."""
    host, port = split_endpoint(target.endpoint)
    return httpx.AsyncClient(
        base_url=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        transport=_NamedTransport(server_name(target), tls),
        timeout=timeout,
        headers=headers,
        trust_env=False,
    )


class _NamedTransport(httpx.AsyncHTTPTransport):
    """Asks for, and checks, the server by one name whatever the URL's host is."""

    def __init__(self, name: str, tls: ClientTls) -> None:
        super().__init__(verify=tls.context(), trust_env=False)
        self._name = name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request under the name."""
        request.extensions = {**request.extensions, "sni_hostname": self._name}
        return await super().handle_async_request(request)


class _ServiceCertHeader(grpc.AuthMetadataPlugin):
    """Makes the `authorization` header of each call; gRPC calls it on a thread of its own."""

    def __init__(self, material: ClientMaterial, clock: Clock) -> None:
        if material.cert_pem is None or material.key_pem is None:
            raise ValueError("a ServiceCert token needs a client certificate")
        self._certificate = load_certificates(material.cert_pem)[0]
        self._key = load_key(material.key_pem)
        self._clock = clock

    def __call__(self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:  # noqa: ARG002 - gRPC's form
        """Hand over a token for this moment."""
        token = make_token(self._certificate, self._key, self._clock)
        callback((("authorization", f"{SERVICE_CERT_SCHEME}{token}"),), None)
