"""Debian's PostgreSQL 15, mostly with TLS alone, for tests that the embedded server cannot serve.

Use with `needs("debian_postgres")`.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pyrox.mtls.ca import IssuedCertificate
from pyrox.mtls.reload import CertFiles
from pyrox.pg.settings import Settings
from services.local import postgres
from tests.support import pg
from tests.support.pki import Pki

BINARIES = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "secret"
LOOPBACK = "127.0.0.1"
# Who may connect to a server at this address; at another one everybody with a password.
_CLIENTS = {LOOPBACK: "127.0.0.0/8"}


@contextmanager
def tls_postgres(files: CertFiles, *, port: int = 0, address: str = LOOPBACK) -> Iterator[str]:
    """A server with this certificate; yields a source for its superuser that says nothing of TLS."""
    with _prepared(port, address=address) as server:
        for made, name in ((files.cert, "server.crt"), (files.key, "server.key")):
            target = server.data / name
            shutil.copyfile(made, target)
            target.chmod(0o600)
            if server.account is not None:
                os.chown(target, server.account.uid, server.account.gid)
        (server.data / "postgresql.auto.conf").write_text("ssl = on\n")
        with (server.data / "pg_hba.conf").open("w") as hba:
            hba.write(f"hostssl all all {_CLIENTS.get(address, 'all')} scram-sha-256\n")
        with _running(server, " sslmode=require") as source:
            yield source


@contextmanager
def plain_postgres(volume: Path | None = None) -> Iterator[str]:
    """A server of the same version without TLS, on this volume; yields a source for its superuser."""
    with _prepared(volume=volume) as server, _running(server, "") as source:
        yield source


@contextmanager
def _prepared(
    port: int = 0, volume: Path | None = None, address: str = LOOPBACK
) -> Iterator[postgres.Server]:
    state = Path(tempfile.mkdtemp(prefix="pyrox-pg-tls-", dir=volume))
    state.chmod(0o711)
    try:
        yield postgres.prepare(
            state=state,
            address=address,
            port=port or pg.free_port(),
            password=PASSWORD,
            binaries=BINARIES,
        )
    finally:
        shutil.rmtree(state)


@contextmanager
def _running(server: postgres.Server, tls: str) -> Iterator[str]:
    process = server.spawn()
    host = "localhost" if server.address == LOOPBACK else server.address
    source = f"host={host} port={server.port} user={postgres.SUPERUSER} dbname=postgres"
    try:
        pg.outside(pg.wait_ready(Settings.from_source(f"{source}{tls}", password=PASSWORD)))
        yield source
    finally:
        process.terminate()
        process.wait(timeout=30)


def certificate_of_localhost(pki: Pki, *addresses: str) -> CertFiles:
    """A certificate of the CA for this machine's names, as a user's database server has its own."""
    authority = x509.load_pem_x509_certificate(pki.ca.cert_pem)
    signer = serialization.load_pem_private_key(pki.ca.key_pem, None)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    hosts = (ipaddress.ip_address(address) for address in (LOOPBACK, *addresses))
    names = [x509.DNSName("localhost"), *map(x509.IPAddress, hosts)]
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(signer, hashes.SHA256())  # type: ignore[arg-type]  # the CA's key signs
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    issued = IssuedCertificate(made.public_bytes(serialization.Encoding.PEM), pem, made)
    return pki.write(issued, "localhost")
