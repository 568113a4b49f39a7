"""Where the scanner's services are and how to reach them: upstream's global flags.

Every subcommand that asks a service adds `flags` and opens a `Connection`. The certificate
must be that of Central (or of another service that may call the method), unless the
services take anonymous callers.
"""

from __future__ import annotations

import argparse
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import grpc
import httpx
import msgspec
from cryptography import x509

from pyrox.errors import Invalid, NotFound, RoxError, Unavailable
from pyrox.mtls.identity import SCANNER_V4_INDEXER, SCANNER_V4_MATCHER, Subject
from pyrox.mtls.reload import CertFiles, ClientTls
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherStub
from pyrox.rpc.client import Target, http_client, secure_channel, split_endpoint
from pyrox.scan import settings

T = TypeVar("T")
_PORT: Final = 8443
# An image of some gigabytes from a slow registry.
_SECONDS: Final = 900.0
_FLAGS: Final = {
    "--indexer-address": "address of the Indexer, host:port",
    "--matcher-address": "address of the Matcher, host:port",
    "--indexer-server-name": "name in the Indexer's certificate, when it is not the host's",
    "--matcher-server-name": "name in the Matcher's certificate, when it is not the host's",
    "--certs": f"directory with ca.pem, cert.pem and key.pem (default {settings.DEFAULT_CERTS})",
}


def flags(parser: argparse.ArgumentParser) -> None:
    """Upstream's global flags; they may stand before the subcommand or after it."""
    group = parser.add_argument_group("services")
    for name, words in _FLAGS.items():
        group.add_argument(name, default=argparse.SUPPRESS, help=words)
    group.add_argument(
        "--insecure-skip-tls-verify",
        action="store_true",
        default=argparse.SUPPRESS,
        help="trust whatever certificate a service shows, and show none",
    )


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its address, the name in its certificate, and how TLS is done."""

    address: str
    name: str
    tls: ClientTls

    @property
    def target(self) -> Target:
        """For the client library."""
        return Target(self.address, self.name, by_service_name=bool(self.name))


class Connection:
    """The services that a command line names."""

    def __init__(self, arguments: argparse.Namespace, directory: Path) -> None:
        """`directory` is one of the run's own, for certificates that a server showed."""
        self._arguments: Mapping[str, Any] = vars(arguments)
        self._directory = directory

    def service(self, section: str, subject: Subject) -> Service:
        """One of the two. Raises `Invalid` that names the flag to mend."""
        address = str(self._arguments.get(f"{section}_address", ""))
        if not address:
            raise Invalid(f"--{section}-address is missing: where the {section} serves gRPC, host:port")
        if ":" not in address.rpartition("]")[2]:
            address = f"{address}:{_PORT}"
        name = str(self._arguments.get(f"{section}_server_name", ""))
        if self._arguments.get("insecure_skip_tls_verify"):
            return self._unverified(section, address)
        certs = Path(str(self._arguments.get("certs", "")) or settings.DEFAULT_CERTS)
        tls = ClientTls(authorities=[certs / "ca.pem"], certificate=CertFiles.in_directory(certs))
        try:
            _ = tls.material
        except OSError as error:
            raise Invalid(
                f"certificate {error.filename}: {error.strerror}; name the directory with --certs"
            ) from error
        return Service(address, name or _service_name(address, subject), tls)

    def _unverified(self, section: str, address: str) -> Service:
        """Trust exactly what the server shows now, whatever it is."""
        host, port = split_endpoint(address)
        try:
            shown = ssl.get_server_certificate((host, port), timeout=10)
        except (OSError, ValueError) as error:
            raise Unavailable(f"{section} at {address}: {error}") from error
        file = self._directory / f"{section}.pem"
        file.write_text(shown)
        certificate = x509.load_pem_x509_certificate(shown.encode())
        try:
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            name = next(iter(names.get_values_for_type(x509.DNSName)), "")
        except x509.ExtensionNotFound:
            name = ""
        return Service(address, name, ClientTls(authorities=[file]))

    @asynccontextmanager
    async def indexer(self) -> AsyncIterator[Any]:
        """The Indexer's stub."""
        async with _channel(self.service("indexer", SCANNER_V4_INDEXER)) as channel:
            yield IndexerStub(channel)

    @asynccontextmanager
    async def matcher(self) -> AsyncIterator[Any]:
        """The Matcher's stub."""
        async with _channel(self.service("matcher", SCANNER_V4_MATCHER)) as channel:
            yield MatcherStub(channel)

    async def ask(self, what: str, question: object = None, *, method: str = "POST") -> Any:
        """Put a question to the Matcher's JSON routes; bytes are sent as they are.

        Raises the error that it answers with.
        """
        service = self.service("matcher", SCANNER_V4_MATCHER)
        body = question if isinstance(question, bytes) else msgspec.json.encode(question)
        client = http_client(service.target, tls=service.tls, timeout=_SECONDS)
        try:
            async with client:
                answer = await client.request(method, f"/pyrox/v1/{what}", content=body)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"matcher at {service.address}: {str(error) or type(error).__name__}"
            ) from error
        try:
            content = msgspec.json.decode(answer.content)
        except msgspec.DecodeError as error:
            raise Unavailable(
                f"matcher at {service.address}: status {answer.status_code}, no JSON"
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise RoxError(f"matcher: {content.get('message', answer.status_code)}")
        return content


def _service_name(address: str, subject: Subject) -> str:
    """The name in the service's own certificate, when the host's is an address or of this machine."""
    host = split_endpoint(address)[0]
    return subject.hostname if host == "localhost" or host.replace(".", "").isdecimal() or ":" in host else ""


@asynccontextmanager
async def _channel(service: Service) -> AsyncIterator[grpc.aio.Channel]:
    channel = secure_channel(service.target, tls=service.tls)
    try:
        yield channel
    finally:
        await channel.close(None)


async def called(what: str, call: Awaitable[T]) -> T:
    """The answer; an error names the service, its code and its words."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        kind = NotFound if error.code() is grpc.StatusCode.NOT_FOUND else RoxError
        raise kind(f"{what}: {error.code().name}: {error.details()}") from error


@asynccontextmanager
async def opened(arguments: argparse.Namespace) -> AsyncIterator[Connection]:
    """The services of a command line."""
    with tempfile.TemporaryDirectory(prefix="scannerctl-") as directory:
        yield Connection(arguments, Path(directory))
