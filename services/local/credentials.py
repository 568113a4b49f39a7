"""Keys, certificates and passwords of a local installation, written once.

`up` calls `ensure` before it starts anything. Each process finds its own directory below
`secrets`, laid out as upstream's charts mount it (`certs/ca.pem`, `certs/cert.pem`, …).
What exists stays, so data and logins survive; certificates that end soon are renewed.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pyrox.clock import Clock
from pyrox.mtls.ca import CertificateAuthority, key_pem, load_certificates, load_key
from pyrox.mtls.identity import CENTRAL, CENTRAL_DB, SCANNER_V4_INDEXER, SCANNER_V4_MATCHER, Subject
from services.local.places import Places

ADMIN = "admin"
# Upstream's chart generates 32 letters and digits; ours are typed by hand now and then.
_PASSWORD_LENGTH = 20
_RENEW_BEFORE = timedelta(days=30)
_WEB_LIFETIME = timedelta(days=365)
_RSA_BITS = 2048
_CENTRAL_SERVICES = {
    "central": CENTRAL,
    "central-db": CENTRAL_DB,
    "scanner_indexer": SCANNER_V4_INDEXER,
    "scanner_matcher": SCANNER_V4_MATCHER,
}
_SECURED = {
    "sensor": "SENSOR_SERVICE",
    "collector": "COLLECTOR_SERVICE",
    "admission": "ADMISSION_CONTROL_SERVICE",
}
DATABASES = ("central", "scanner")
"""Databases of the one server, each with a role of its own name."""


class Credentials:
    """Everything secret of one installation."""

    def __init__(self, *, places: Places, clock: Clock) -> None:
        self._places = places
        self._clock = clock

    @property
    def authority(self) -> Path:
        """The service CA's certificate."""
        return self._places.secrets / "ca" / "ca.pem"

    def ensure(self, *, addresses: Mapping[str, str]) -> None:
        """Write what is missing; `addresses` are those that web certificates are for."""
        self._places.secrets.mkdir(parents=True, exist_ok=True)
        self._places.secrets.chmod(0o700)
        ca = self.ca()
        for name, subject in _CENTRAL_SERVICES.items():
            self._service(ca, name, subject)
        self._write_new("central/certs/ca-key.pem", lambda: ca.key_pem)
        self._write_new("central/jwt/jwt-key.pem", _jwt_key)
        self._admin()
        for name in ("central-db/superuser", *(f"central-db/{name}" for name in DATABASES)):
            self._write_new(name, lambda: _password().encode())
        self._copy("central-db/central", "central/db-password/password")
        for name in ("scanner_indexer", "scanner_matcher"):
            self._copy("central-db/scanner", f"{name}/secrets/password")
        self._web(ca, "central/default-tls-cert", ("tls.crt", "tls.key"), addresses["central"])
        self._web(ca, "simulated/web", ("cert.pem", "key.pem"), addresses["simulated"])
        self._write_new("simulated/token", lambda: _password().encode())
        # Certificates of registries that Central and the Indexer shall trust.
        self._write("registry-ca/local.crt", ca.cert_pem)

    def ca(self) -> CertificateAuthority:
        """The service CA, made when there is none."""
        cert, key = self.authority, self.authority.with_name("ca-key.pem")
        if not (cert.exists() and key.exists()):
            made = CertificateAuthority.create(clock=self._clock)
            self._write("ca/ca-key.pem", made.key_pem)
            self._write("ca/ca.pem", made.cert_pem)
        return CertificateAuthority.load(cert.read_bytes(), key.read_bytes(), clock=self._clock)

    def secured_cluster(self, cluster_id: str) -> None:
        """Certificates for Sensor, Collector and Admission of this cluster."""
        ca = self.ca()
        for name, service in _SECURED.items():
            self._service(ca, name, Subject(service, cluster_id))

    def read(self, name: str) -> str:
        """A password."""
        return (self._places.secrets / name).read_text().strip()

    def _service(self, ca: CertificateAuthority, name: str, subject: Subject) -> None:
        path = self._places.secrets / name / "certs" / "cert.pem"
        if not self._current(path, subject.common_name):
            issued = ca.issue(subject)
            self._write(f"{name}/certs/ca.pem", ca.cert_pem)
            self._write(f"{name}/certs/key.pem", issued.key_pem)
            self._write(f"{name}/certs/cert.pem", issued.cert_pem)

    def _web(self, ca: CertificateAuthority, folder: str, files: tuple[str, str], address: str) -> None:
        """A certificate for browsers and registry clients, which check the address."""
        cert, key = files
        if not self._current(self._places.secrets / folder / cert, address):
            chain, private = self._web_certificate(ca, address)
            self._write(f"{folder}/{key}", private)
            self._write(f"{folder}/{cert}", chain)

    def _web_certificate(self, ca: CertificateAuthority, address: str) -> tuple[bytes, bytes]:
        private, now = ec.generate_private_key(ec.SECP256R1()), self._clock.now()
        names = [x509.IPAddress(ipaddress.ip_address(address)), x509.DNSName("localhost")]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)]))
            .issuer_name(ca.certificate.subject)
            .serial_number(x509.random_serial_number())
            .public_key(private.public_key())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + _WEB_LIFETIME)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(load_key(ca.key_pem), hashes.SHA256())
        )
        chain = certificate.public_bytes(serialization.Encoding.PEM) + ca.cert_pem
        return chain, key_pem(private)

    def _current(self, path: Path, common_name: str) -> bool:
        """Whether a certificate is there, names the right holder and lasts a while."""
        if not path.exists():
            return False
        leaf = load_certificates(path.read_bytes())[0]
        names = [str(one.value) for one in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        return common_name in names and leaf.not_valid_after_utc - self._clock.now() > _RENEW_BEFORE

    def _admin(self) -> None:
        """The first password of `admin`, readable by its owner only, and its hash for Central."""
        htpasswd = self._places.secrets / "central" / "htpasswd" / "htpasswd"
        plain = self._places.admin_password
        if htpasswd.exists() and plain.exists():
            return
        # Only the first `up` needs it.
        import bcrypt  # noqa: PLC0415

        password = _password()
        write_private(plain, f"{password}\n".encode())
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt()).decode()
        self._write("central/htpasswd/htpasswd", f"{ADMIN}:{hashed}\n".encode())

    def _copy(self, source: str, target: str) -> None:
        self._write(target, (self._places.secrets / source).read_bytes())

    def _write_new(self, name: str, make: Callable[[], bytes]) -> None:
        if not (self._places.secrets / name).exists():
            self._write(name, make())

    def _write(self, name: str, content: bytes) -> None:
        path = self._places.secrets / name
        if not path.exists() or path.read_bytes() != content:
            write_private(path, content)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_name(f"{path.name}.new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    scratch.replace(path)


def _password() -> str:
    alphabet: Sequence[str] = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(_PASSWORD_LENGTH))


def _jwt_key() -> bytes:
    """The RSA key that signs tokens, in the traditional form that upstream's chart makes."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
