"""A registry as a real HTTP(S) server that can also lie, hang, redirect and break off.

Used by the tests of the registry client, the Indexer and Central. Every misbehaviour is
set on the `FakeRegistry` object before the request; what was asked is kept in `requests`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import ipaddress
import json
import ssl
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest_of(data: bytes) -> str:
    """The sha256 digest as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A plain tar of these files, the same bytes for the same files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def layer_of(files: Mapping[str, bytes]) -> bytes:
    """A gzip-compressed layer of these files."""
    return gzip.compress(tar_of(files), mtime=0)


@dataclass(frozen=True)
class Asked:
    """One request that the registry received."""

    path: str
    headers: Mapping[str, str]


@dataclass
class FakeRegistry:
    """What the registry holds and how it behaves."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    requests: list[Asked] = field(default_factory=list)
    auth: str = "none"
    """`none`, `basic` or `token`."""
    username: str = "puller"
    password: str = "right"
    base: str = ""
    lies: dict[str, bytes] = field(default_factory=dict)
    """Blob digest to other bytes that are sent instead."""
    hang: set[str] = field(default_factory=set)
    """Paths that never get an answer."""
    break_off: set[str] = field(default_factory=set)
    """Blob digests of which half is sent before the connection is closed."""
    redirect: dict[str, str] = field(default_factory=dict)
    """Blob digest to the address that holds it."""
    released: threading.Event = field(default_factory=threading.Event)

    def add_blob(self, data: bytes) -> str:
        """Store a blob; its digest."""
        digest = digest_of(data)
        self.blobs[digest] = data
        return digest

    def add_manifest(self, repository: str, tag: str, body: bytes, kind: str = DOCKER_MANIFEST) -> str:
        """Store a manifest under its tag and its digest; the digest."""
        digest = digest_of(body)
        self.manifests[repository, tag] = (kind, body)
        self.manifests[repository, digest] = (kind, body)
        return digest

    def push(
        self, repository: str, tag: str, layers: Sequence[bytes], config: Mapping[str, object] | None = None
    ) -> str:
        """Store an image; its manifest's digest."""
        raw = json.dumps(
            config or {"architecture": "amd64", "os": "linux", "config": {}, "history": []}
        ).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": len(raw),
                "digest": self.add_blob(raw),
            },
            "layers": [
                {"mediaType": DOCKER_LAYER, "size": len(layer), "digest": self.add_blob(layer)}
                for layer in layers
            ],
        }
        return self.add_manifest(repository, tag, json.dumps(manifest).encode())

    @property
    def host(self) -> str:
        """`127.0.0.1:port`."""
        return urlsplit(self.base).netloc

    def asked(self, part: str) -> list[Asked]:
        """The requests whose path contains the text."""
        return [request for request in self.requests if part in request.path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry: FakeRegistry

    def log_message(self, *args: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        """Answer one request as the registry was told to."""
        registry = self.registry
        path = urlsplit(self.path).path
        registry.requests.append(Asked(self.path, {k.lower(): v for k, v in self.headers.items()}))
        if path in registry.hang:
            registry.released.wait(30)
            self.close_connection = True
            return
        if path == "/token":
            self._token()
        elif self._allowed():
            self._content(path)

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps({"errors": [{"code": code, "message": message, "detail": None}]}).encode()
        self._reply(status, body, {"Content-Type": "application/json", **(headers or {})})

    def _basic_is_right(self) -> bool:
        pair = f"{self.registry.username}:{self.registry.password}".encode()
        return self.headers.get("Authorization") == f"Basic {base64.b64encode(pair).decode()}"

    def _token(self) -> None:
        if self._basic_is_right():
            self._reply(200, json.dumps({"token": "good-token", "expires_in": 300}).encode())
        else:
            self._refuse(401, "UNAUTHORIZED", "incorrect username or password")

    def _allowed(self) -> bool:
        kind = self.registry.auth
        if kind == "none" or (kind == "basic" and self._basic_is_right()):
            return True
        if kind == "token" and self.headers.get("Authorization") == "Bearer good-token":
            return True
        challenge = (
            'Basic realm="fake"'
            if kind == "basic"
            else f'Bearer realm="{self.registry.base}/token",service="fake",scope="repository:any:pull"'
        )
        self._refuse(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge})
        return False

    def _content(self, path: str) -> None:
        if path == "/v2/":
            self._reply(200, b"{}")
            return
        name, _, rest = path.removeprefix("/v2/").partition("/manifests/")
        if rest:
            found = self.registry.manifests.get((name, rest))
            if found is None:
                self._refuse(404, "MANIFEST_UNKNOWN", "manifest unknown")
            else:
                self._reply(200, found[1], {"Content-Type": found[0]})
            return
        self._blob(path.rpartition("/")[2])

    def _blob(self, digest: str) -> None:
        registry = self.registry
        data = registry.lies.get(digest, registry.blobs.get(digest))
        if digest in registry.redirect:
            self._reply(307, b"", {"Location": registry.redirect[digest]})
        elif data is None:
            self._refuse(404, "BLOB_UNKNOWN", "blob unknown to registry")
        elif digest in registry.break_off:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        else:
            self._reply(200, data, {"Content-Type": "application/octet-stream"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that refuse our certificate or go away are part of the tests."""


@contextmanager
def running(registry: FakeRegistry, tls: ssl.SSLContext | None = None) -> Iterator[FakeRegistry]:
    """Serve the registry on a free loopback port."""
    handler = type("Handler", (_Handler,), {"registry": registry})
    server = _Server(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    registry.base = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        registry.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(directory: Path) -> tuple[ssl.SSLContext, str]:
    """A server context with a certificate for 127.0.0.1, and that certificate as PEM (it signs itself)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake registry")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = cert.public_bytes(serialization.Encoding.PEM)
    (directory / "cert.pem").write_bytes(pem)
    (directory / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    return context, pem.decode()
