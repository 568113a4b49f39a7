"""The certificates that Central was installed with, read once from its mounted secret.

`app.py` makes it; the link issues with its CA, the metadata service proves its chain. A
renewed secret needs a restart for the CA; the serving certificate reloads by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_certificates, load_key
from pyrox.mtls.challenge import ServiceChain, answer
from pyrox.pb.api.v1.metadata_service_pb2 import TLSChallengeResponse


@dataclass(frozen=True, slots=True)
class Material:
    """CA, own chain, and whom to trust."""

    ca: CertificateAuthority
    chain: ServiceChain
    trust: ServiceTrust

    @classmethod
    def load(cls, directory: Path, clock: Clock) -> Material:
        """Read `ca.pem`, `ca-key.pem`, `cert.pem` and `key.pem`. Raises `Invalid` naming the file."""
        try:
            ca_pem = (directory / "ca.pem").read_bytes()
            ca = CertificateAuthority.load(ca_pem, (directory / "ca-key.pem").read_bytes(), clock=clock)
            leaf = load_certificates((directory / "cert.pem").read_bytes())[0]
            key = load_key((directory / "key.pem").read_bytes())
        except OSError as err:
            raise Invalid(f"{err.filename}: {err.strerror}; mount the secret central-tls") from err
        trust = ServiceTrust([ca.certificate], clock)
        return cls(ca, ServiceChain(leaf, trust.authority_of(leaf), key), trust)

    def challenge(self, token: str) -> TLSChallengeResponse:
        """The answer to a Sensor's TLS challenge."""
        return answer(token, self.chain)

    def expiry(self) -> datetime:
        """When Central's own service certificate ends."""
        return self.chain.leaf.not_valid_after_utc
