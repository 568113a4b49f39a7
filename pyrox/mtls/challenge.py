"""The TLS challenge: Central proves over any TLS that it holds a service certificate.

Central's metadata service answers with `answer`; Sensor checks with `verify` and learns
which further CAs to trust. It must not know HTTP or where certificates are stored.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.message import DecodeError

from pyrox.errors import Invalid, NoCredentials
from pyrox.mtls.ca import PrivateKey, ServiceTrust
from pyrox.mtls.servicecert import sign, signed_by
from pyrox.pb.api.v1.metadata_service_pb2 import TLSChallengeResponse, TrustInfo

TOKEN_BYTES = 32
RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class ServiceChain:
    """A service certificate, the CA that issued it, and the certificate's key."""

    leaf: x509.Certificate
    authority: x509.Certificate
    key: PrivateKey


@dataclass(frozen=True, slots=True)
class VerifiedTrust:
    """What a good answer tells."""

    authorities: tuple[x509.Certificate, ...]
    """Service CAs: the primary, then the secondary if there is one."""
    additional: tuple[x509.Certificate, ...]
    """What else to trust when TLS is ended by somebody else."""
    central_challenge: str


def new_token(random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """A fresh challenge."""
    return base64.urlsafe_b64encode(random_bytes(TOKEN_BYTES)).decode()


def answer(
    token: str,
    primary: ServiceChain,
    *,
    secondary: ServiceChain | None = None,
    additional: Sequence[x509.Certificate] = (),
    random_bytes: RandomBytes = secrets.token_bytes,
) -> TLSChallengeResponse:
    """The signed answer to a challenge. Raises `Invalid` unless it is base64url of 32 bytes."""
    _check_token(token)
    info = TrustInfo(
        cert_chain=[_der(primary.leaf), _der(primary.authority)],
        sensor_challenge=token,
        central_challenge=new_token(random_bytes),
        additional_cas=[_der(certificate) for certificate in additional],
    )
    if secondary is not None:
        info.secondary_cert_chain.extend([_der(secondary.leaf), _der(secondary.authority)])
    raw = info.SerializeToString()
    response = TLSChallengeResponse(trust_info_serialized=raw, signature=sign(primary.key, raw))
    if secondary is not None:
        response.signature_secondary_ca = sign(secondary.key, raw)
    return response


def verify(response: TLSChallengeResponse, token: str, trust: ServiceTrust) -> VerifiedTrust:
    """What the answer says, when one of its chains ends at a CA that we trust.

    Raises `NoCredentials` for a foreign chain, a wrong signature or another challenge.
    """
    raw = response.trust_info_serialized
    info = _read(raw)
    if info.sensor_challenge != token:
        raise NoCredentials.of("the trust info answers another challenge")
    primary = _chain(info.cert_chain)
    secondary = _chain(info.secondary_cert_chain) if info.secondary_cert_chain else None
    try:
        _check_chain(primary, response.signature, raw, trust)
    except NoCredentials:
        if secondary is None:
            raise
        _check_chain(secondary, response.signature_secondary_ca, raw, trust)
    authorities = (primary[1],) if secondary is None else (primary[1], secondary[1])
    return VerifiedTrust(authorities, tuple(map(_load, info.additional_cas)), info.central_challenge)


def _check_token(token: str) -> None:
    try:
        decoded = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as err:
        raise Invalid.of(f"challenge token must be a valid base64 string: {err}") from err
    if len(decoded) != TOKEN_BYTES:
        raise Invalid.of(
            f"base64 decoded challenge token must be {TOKEN_BYTES} bytes long, "
            f'received challenge "{token[:100]}" was {len(decoded)} bytes'
        )


def _check_chain(
    chain: Sequence[x509.Certificate], signature: bytes, raw: bytes, trust: ServiceTrust
) -> None:
    subject = trust.subject_of(chain[0])
    if subject.type != "CENTRAL_SERVICE":
        raise NoCredentials.of(f"{subject.common_name!r} is not Central")
    if not signed_by(chain[0].public_key(), signature, raw):
        raise NoCredentials.of("the signature of the trust info is wrong")


def _read(raw: bytes) -> TrustInfo:
    try:
        return TrustInfo.FromString(raw)
    except DecodeError as err:
        raise NoCredentials.of("the trust info cannot be read") from err


def _chain(ders: Sequence[bytes]) -> tuple[x509.Certificate, ...]:
    if len(ders) < 2:
        raise NoCredentials.of(
            f"the trust info's chain has {len(ders)} certificates; a leaf and its CA are needed"
        )
    return tuple(map(_load, ders))


def _load(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as err:
        raise NoCredentials.of("a certificate of the trust info cannot be read") from err


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
