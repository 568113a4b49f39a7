"""The ServiceCert token: proof of a service certificate inside a header.

Sensor sends it with every call, so that its identity survives a proxy that ends TLS;
servers check it beside client certificates. It must not know headers or transports.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.message import DecodeError

from pyrox.clock import Clock
from pyrox.errors import NoCredentials
from pyrox.mtls.ca import PrivateKey, ServiceTrust
from pyrox.mtls.identity import Subject
from pyrox.pb.internalapi.central.auth_pb2 import ServiceCertAuth

# Upstream pkg/grpc/common/authn/servicecerttoken: clocks may differ by a minute.
MAX_SKEW = timedelta(minutes=1)
_MAX_TOKEN = 16_384


def make_token(certificate: x509.Certificate, key: PrivateKey, clock: Clock) -> str:
    """A token for this moment."""
    auth = ServiceCertAuth(cert_der=certificate.public_bytes(Encoding.DER))
    auth.current_time.FromDatetime(clock.now())
    raw = auth.SerializeToString()
    return f"{_encode(raw)}.{_encode(sign(key, raw))}"


def verify_token(token: str, trust: ServiceTrust) -> Subject:
    """The service that made the token.

    Raises `NoCredentials` for a broken, foreign or expired certificate, a wrong
    signature, or a time more than a minute away.
    """
    auth, raw, signature = _decode(token)
    try:
        leaf = x509.load_der_x509_certificate(auth.cert_der)
    except ValueError as err:
        raise NoCredentials.of("the certificate of the ServiceCert token cannot be read") from err
    subject = trust.subject_of(leaf)
    if not signed_by(leaf.public_key(), signature, raw):
        raise NoCredentials.of("the signature of the ServiceCert token is wrong")
    skew = abs(trust.clock.now() - auth.current_time.ToDatetime(tzinfo=UTC))
    if skew > MAX_SKEW:
        raise NoCredentials.of(f"the ServiceCert token's time is {skew} away from ours; set the clocks right")
    return subject


def sign(key: PrivateKey, data: bytes) -> bytes:
    """A SHA-256 signature: ASN.1 for ECDSA, PKCS #1 v1.5 for RSA."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def signed_by(key: PublicKeyTypes, signature: bytes, data: bytes) -> bool:
    """Whether the signature is right; false for kinds of keys that no service has."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            return True
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
            return True
    except InvalidSignature:
        return False
    return False


def _decode(token: str) -> tuple[ServiceCertAuth, bytes, bytes]:
    if len(token) > _MAX_TOKEN:
        raise NoCredentials.of("the ServiceCert token is too long")
    body, _, signature = token.partition(".")
    try:
        raw = _raw(body)
        auth = ServiceCertAuth.FromString(raw)
        if not auth.current_time.seconds:
            raise ValueError("no time")
        auth.current_time.ToDatetime(tzinfo=UTC)
        return auth, raw, _raw(signature)
    except (binascii.Error, ValueError, OverflowError, DecodeError) as err:
        raise NoCredentials.of("the ServiceCert token cannot be read") from err


def _raw(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
