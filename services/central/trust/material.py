"""The certificates that Central was installed with, read from its mounted secret.

`app.py` makes it; the link issues with its CA, the metadata service proves its chain. A
renewed certificate is taken over by itself; another CA needs a restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyrox.clock import Clock
from pyrox.errors import Invalid, RoxError
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_certificates, load_key
from pyrox.mtls.challenge import ServiceChain, answer
from pyrox.pb.api.v1.metadata_service_pb2 import TLSChallengeResponse


@dataclass(slots=True)
class Material:
    """CA, own chain, and whom to trust."""

    ca: CertificateAuthority
    chain: ServiceChain
    """Renewed in place."""
    trust: ServiceTrust
    directory: Path | None = None
    """Where the files are; None for one that is not read from files."""

    @classmethod
    def load(cls, directory: Path, clock: Clock) -> Material:
        """Read `ca.pem`, `ca-key.pem`, `cert.pem` and `key.pem`. Raises `Invalid` naming the file."""
        ca_pem = _read(directory / "ca.pem")
        with _naming(directory / "ca.pem"):
            load_certificates(ca_pem)
        ca_key = _read(directory / "ca-key.pem")
        with _naming(directory / "ca-key.pem"):
            ca = CertificateAuthority.load(ca_pem, ca_key, clock=clock)
        trust = ServiceTrust([ca.certificate], clock)
        return cls(ca, _chain(directory, trust), trust, directory)

    def reload_if_changed(self) -> bool:
        """Take over a renewed certificate; whether there was one. Raises `Invalid` for one of another CA."""
        if self.directory is None:
            return False
        if load_certificates(_read(self.directory / "cert.pem"))[0] == self.chain.leaf:
            return False
        self.chain = _chain(self.directory, self.trust)
        return True

    def challenge(self, token: str) -> TLSChallengeResponse:
        """The answer to a Sensor's TLS challenge."""
        return answer(token, self.chain)

    def expiry(self) -> datetime:
        """When Central's own service certificate ends."""
        return self.chain.leaf.not_valid_after_utc


def _chain(directory: Path, trust: ServiceTrust) -> ServiceChain:
    cert_pem = _read(directory / "cert.pem")
    with _naming(directory / "cert.pem"):
        leaf = load_certificates(cert_pem)[0]
        authority = trust.authority_of(leaf)
    key_pem = _read(directory / "key.pem")
    with _naming(directory / "key.pem"):
        key = load_key(key_pem)
        if key.public_key() != leaf.public_key():
            raise Invalid("the key does not belong to cert.pem")
    return ServiceChain(leaf, authority, key)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise Invalid(f"{path}: {err.strerror}; mount the secret central-tls") from err


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an error say which file it is about."""
    try:
        yield
    except RoxError as err:
        raise Invalid(f"{path}: {err.message}") from err
