"""TLS contexts made from files, and made anew when the files change.

Fronts ask `ServerTls.context` for every new connection, clients look at
`ClientTls.generation`; `CertificateWatch` polls the files, so a renewed certificate
takes effect without a restart. It must not know what travels over the connections.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography import x509

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.mtls.ca import load_certificates

_LOG = log.get(__name__)

PURE_GRPC = "https://alpn.stackrox.io/#pure-grpc"
# The server's order decides: Sensor and roxctl get the first, browsers HTTP/1.1, other
# gRPC clients, which offer nothing else, h2.
SERVER_ALPN = (PURE_GRPC, "http/1.1", "h2")
POLL_SECONDS = 5.0
_Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class CertFiles:
    """A certificate chain and its key, as PEM files."""

    cert: Path
    key: Path

    @classmethod
    def in_directory(cls, directory: Path) -> CertFiles:
        """`cert.pem` and `key.pem`, the names in every mounted service secret."""
        return cls(directory / "cert.pem", directory / "key.pem")


class Reloadable(Protocol):
    """Something made from files."""

    def reload_if_changed(self) -> bool:
        """Make it anew when a file changed; whether it did. Raises `Invalid` or `OSError`."""


class ServerTls:
    """The TLS side of a listener."""

    def __init__(
        self,
        *,
        certificates: Sequence[CertFiles],
        client_authorities: Sequence[Path] = (),
        require_client: bool = False,
        alpn: Sequence[str] = SERVER_ALPN,
    ) -> None:
        """Serve the first of `certificates` that fits the client's SNI, else the first that exists.

        Without `client_authorities` no client certificate is asked for; with them a
        client may show one (or must, with `require_client`) that they issued.
        """
        self._certificates = tuple(certificates)
        self._authorities = tuple(client_authorities)
        self._require_client = require_client
        self._alpn = tuple(alpn)
        self._user_authorities = ""
        self._context: ssl.SSLContext | None = None
        self._stamp: _Stamp = ()

    @property
    def context(self) -> ssl.SSLContext:
        """The context for the next connection, read from the files on first use."""
        if self._context is None:
            self.reload_if_changed()
        assert self._context is not None  # noqa: S101 - `reload_if_changed` sets it or raises
        return self._context

    def trust_users(self, pem: str) -> None:
        """Accept client certificates of these CAs too (user PKI), from the next connection on."""
        self._user_authorities = pem
        if self._context is not None:
            self._context = self._build()

    def reload_if_changed(self) -> bool:
        """Make the context anew when a file changed; the old one stays when that fails."""
        stamp = _stamp([*self._authorities, *(p for c in self._certificates for p in (c.cert, c.key))])
        if self._context is not None and stamp == self._stamp:
            return False
        self._context = self._build()
        self._stamp = stamp
        return True

    def _build(self) -> ssl.SSLContext:
        choices = [self._choice(files) for files in self._certificates if files.cert.exists()]
        if not choices:
            raise Invalid(
                f"none of the server certificates {[str(c.cert) for c in self._certificates]} exists"
            )
        first = choices[0].context
        if len(choices) > 1:
            first.sni_callback = _chooser(choices)
        return first

    def _choice(self, files: CertFiles) -> _Choice:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Without tickets no session outlives the check of its client certificate.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        context.set_alpn_protocols(list(self._alpn))
        _load_chain(context, files)
        for authority in self._authorities:
            _trust(context, authority.read_text())
        if self._user_authorities:
            _trust(context, self._user_authorities)
        if self._authorities or self._user_authorities:
            context.verify_mode = ssl.CERT_REQUIRED if self._require_client else ssl.CERT_OPTIONAL
        return _Choice(context, _dns_names(files.cert))


class ClientTls:
    """The TLS side of a client: whom it trusts and what it shows."""

    def __init__(
        self,
        *,
        authorities: Sequence[Path],
        certificate: CertFiles | None = None,
        system_roots: bool = False,
    ) -> None:
        self._authorities = tuple(authorities)
        self._certificate = certificate
        self._system_roots = system_roots
        self._also = b""
        self._material: ClientMaterial | None = None
        self._stamp: _Stamp = ()
        self.generation = 0
        """Grows with every reload; a client that remembers another number reconnects."""

    @property
    def material(self) -> ClientMaterial:
        """The PEM texts, read from the files on first use."""
        if self._material is None:
            self.reload_if_changed()
        assert self._material is not None  # noqa: S101 - `reload_if_changed` sets it or raises
        return self._material

    def context(self) -> ssl.SSLContext:
        """A new context for HTTP clients; names are checked."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _trust(context, self.material.authorities_pem.decode())
        if self._certificate is not None:
            _load_chain(context, self._certificate)
        return context

    def trust_also(self, pem: bytes) -> None:
        """Trust these CAs beside those of the files, such as Central's answer to a TLS challenge names."""
        if pem == self._also:
            return
        load_certificates(pem)
        self._also = pem
        self._stamp = ()
        self.reload_if_changed()

    def reload_if_changed(self) -> bool:
        """Read the files anew when one changed; what was read before stays when that fails."""
        own = [] if self._certificate is None else [self._certificate.cert, self._certificate.key]
        stamp = _stamp([*self._authorities, *own])
        if self._material is not None and stamp == self._stamp:
            return False
        texts = [*(path.read_bytes() for path in self._authorities), self._also]
        authorities = b"\n".join([*texts, system_roots() if self._system_roots else b""])
        load_certificates(authorities)
        if self._certificate is None:
            self._material = ClientMaterial(authorities, None, None)
        else:
            _load_chain(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), self._certificate)
            self._material = ClientMaterial(
                authorities, self._certificate.cert.read_bytes(), self._certificate.key.read_bytes()
            )
        self._stamp = stamp
        self.generation += 1
        return True


@dataclass(frozen=True, slots=True)
class ClientMaterial:
    """PEM texts of a client."""

    authorities_pem: bytes
    cert_pem: bytes | None
    key_pem: bytes | None


def service_tls(directory: Path) -> tuple[ServerTls, ClientTls]:
    """Both sides of a service that has one certificate in `directory`, beside the CA in `ca.pem`."""
    authorities, own = [directory / "ca.pem"], CertFiles.in_directory(directory)
    server = ServerTls(certificates=[own], client_authorities=authorities)
    return server, ClientTls(authorities=authorities, certificate=own)


class CertificateWatch:
    """A component that reloads everything whose files changed."""

    name = "certificates"

    def __init__(
        self, *, watched: Sequence[Reloadable], clock: Clock, on_reload: Callable[[], None] | None = None
    ) -> None:
        self._watched = tuple(watched)
        self._clock = clock
        self._on_reload = on_reload
        self._failed: set[int] = set()

    async def run(self, ready: Callable[[], None]) -> None:
        """Poll until cancelled."""
        ready()
        while True:
            await self._clock.sleep(POLL_SECONDS)
            self.poll()

    def poll(self) -> None:
        """Look once; a file that cannot be used is logged once and tried again."""
        for index, item in enumerate(self._watched):
            try:
                changed = item.reload_if_changed()
            except (Invalid, OSError) as err:
                if index not in self._failed:
                    _LOG.error("certificate files cannot be used; the old ones stay", error=str(err))
                self._failed.add(index)
                continue
            self._failed.discard(index)
            if changed:
                _LOG.info("certificates reloaded")
                if self._on_reload is not None:
                    self._on_reload()


def system_roots() -> bytes:
    """The CAs that this machine trusts, as PEM; gRPC takes no directory of them."""
    ders = ssl.create_default_context().get_ca_certs(binary_form=True)
    if ders:
        return "".join(map(ssl.DER_cert_to_PEM_cert, ders)).encode()
    # A directory of hashed names is read only on demand; Debian keeps one file beside them.
    bundle = Path(ssl.get_default_verify_paths().openssl_capath) / "ca-certificates.crt"
    return bundle.read_bytes() if bundle.exists() else b""


@dataclass(frozen=True, slots=True)
class _Choice:
    context: ssl.SSLContext
    names: tuple[str, ...]


def _chooser(
    choices: Sequence[_Choice],
) -> Callable[[ssl.SSLSocket | ssl.SSLObject, str, ssl.SSLContext], None]:
    def choose(connection: ssl.SSLSocket | ssl.SSLObject, server_name: str | None, _: ssl.SSLContext) -> None:
        for choice in choices:
            if server_name and any(_matches(pattern, server_name) for pattern in choice.names):
                connection.context = choice.context
                return

    return choose


def _matches(pattern: str, name: str) -> bool:
    """Whether a DNS name of a certificate covers the name: a star stands for one whole first label."""
    pattern, name = pattern.lower(), name.lower().rstrip(".")
    if pattern.startswith("*."):
        return bool(name.partition(".")[0]) and name.partition(".")[2] == pattern[2:]
    return pattern == name


def _dns_names(path: Path) -> tuple[str, ...]:
    leaf = load_certificates(path.read_bytes())[0]
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(names.get_values_for_type(x509.DNSName))


def _load_chain(context: ssl.SSLContext, files: CertFiles) -> None:
    try:
        context.load_cert_chain(files.cert, files.key, password=_no_password)
    except (ssl.SSLError, ValueError) as err:
        raise Invalid(f"{files.cert} and {files.key} are not a certificate with its key: {err}") from err


def _no_password() -> str:
    """Keeps OpenSSL from asking at the terminal."""
    raise ValueError("the key is encrypted")


def _trust(context: ssl.SSLContext, pem: str) -> None:
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as err:
        raise Invalid(f"the CA certificates cannot be read: {err}") from err


def _stamp(paths: Sequence[Path]) -> _Stamp:
    """Changes when a file is replaced, also through Kubernetes' symbolic links."""
    stamps = []
    for path in paths:
        try:
            stat = path.stat()
        except FileNotFoundError:
            stamps.append((0, 0, 0))
        else:
            stamps.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return tuple(stamps)
