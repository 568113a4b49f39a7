"""The service CA: make it, load it, let it issue leaves, check what it issued.

Central and `services.local` issue with `CertificateAuthority`; every server checks
peers with `ServiceTrust`. It must not know files, secrets or transports.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pyrox.clock import Clock
from pyrox.errors import Invalid, NoCredentials
from pyrox.mtls.identity import NAMESPACE, Subject, subject_of

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
RandomBits = Callable[[int], int]

CA_NAME = "StackRox Certificate Authority"
_CA_LIFETIME = timedelta(days=5 * 365)  # upstream pkg/mtls/crypto.go: five years
_CA_BACKDATE = timedelta(minutes=5)  # what upstream's certificate library does by itself
_BACKDATE = timedelta(hours=1)  # so that a peer whose clock is late accepts a new certificate
_REMEMBERED = 4096  # leaves; a large installation has a few hundred clusters
_SERIAL_BITS = 63  # upstream draws a positive int64


class Profile(Enum):
    """How long a leaf is valid."""

    DEFAULT = timedelta(days=365)
    EPHEMERAL_HOURS = timedelta(hours=3)
    EPHEMERAL_DAYS = timedelta(days=2)
    REGISTRATION = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A new leaf with its key, both as PEM."""

    cert_pem: bytes
    key_pem: bytes
    certificate: x509.Certificate


class CertificateAuthority:
    """A CA with its private key."""

    def __init__(
        self,
        *,
        certificate: x509.Certificate,
        key: PrivateKey,
        clock: Clock,
        random_bits: RandomBits = secrets.randbits,
    ) -> None:
        self.certificate = certificate
        self._key = key
        self._clock = clock
        self._random_bits = random_bits

    @classmethod
    def create(cls, *, clock: Clock, random_bits: RandomBits = secrets.randbits) -> Self:
        """A new CA, valid for five years."""
        key = ec.generate_private_key(ec.SECP256R1())
        serial = _serial(random_bits)
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, CA_NAME),
                x509.NameAttribute(NameOID.SERIAL_NUMBER, str(serial)),
            ]
        )
        start = clock.now() - _CA_BACKDATE
        builder = _builder(name, name, serial, key.public_key(), start, start + _CA_LIFETIME)
        builder = builder.add_extension(_key_usage(ca=True), critical=True)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        certificate = builder.sign(key, hashes.SHA256())
        return cls(certificate=certificate, key=key, clock=clock, random_bits=random_bits)

    @classmethod
    def load(
        cls, cert_pem: bytes, key_pem: bytes, *, clock: Clock, random_bits: RandomBits = secrets.randbits
    ) -> Self:
        """The CA of these PEM texts. Raises `Invalid` when they cannot be read or do not belong together."""
        key = load_key(key_pem)
        certificate = load_certificates(cert_pem)[0]
        if certificate.public_key() != key.public_key():
            raise Invalid("the CA certificate does not belong to the CA key")
        return cls(certificate=certificate, key=key, clock=clock, random_bits=random_bits)

    @property
    def cert_pem(self) -> bytes:
        """The CA certificate, which everybody may see."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The CA key."""
        return key_pem(self._key)

    def issue(
        self,
        subject: Subject,
        *,
        namespace: str = NAMESPACE,
        lifetime: timedelta = Profile.DEFAULT.value,
        extra_names: Sequence[str] = (),
    ) -> IssuedCertificate:
        """A leaf for this subject with a fresh P-256 key, for servers and clients alike.

        `extra_names` are DNS names beside those that the subject has by itself.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        serial = _serial(self._random_bits)
        now = self._clock.now()
        builder = _builder(
            subject.name(serial),
            self.certificate.subject,
            serial,
            key.public_key(),
            now - _BACKDATE,
            now + lifetime,
        )
        for extension, critical in self._leaf_extensions((*subject.hostnames(namespace), *extra_names)):
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(self._key, hashes.SHA256())
        return IssuedCertificate(certificate.public_bytes(Encoding.PEM), key_pem(key), certificate)

    def _leaf_extensions(self, names: Sequence[str]) -> list[tuple[x509.ExtensionType, bool]]:
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        ski = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski)
        return [
            (_key_usage(ca=False), True),
            (x509.ExtendedKeyUsage(usages), False),
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (authority, False),
            (x509.SubjectAlternativeName([x509.DNSName(name) for name in dict.fromkeys(names)]), False),
        ]


class ServiceTrust:
    """The CAs whose leaves are service identities: the primary and maybe a secondary."""

    def __init__(self, authorities: Sequence[x509.Certificate], clock: Clock) -> None:
        self.authorities = tuple(authorities)
        self.clock = clock
        # Who issued a leaf never changes, and to find out costs an ECDSA verification;
        # every call of a connection asks for the same leaf.
        self._issuers: dict[x509.Certificate, x509.Certificate] = {}

    def authority_of(self, leaf: x509.Certificate) -> x509.Certificate:
        """The CA that issued this leaf.

        Raises `NoCredentials` when none did, or when the leaf is not valid now.
        """
        now = self.clock.now()
        if not _valid(leaf, now):
            raise NoCredentials.of(
                f"certificate {leaf.subject.rfc4514_string()!r} is valid from {leaf.not_valid_before_utc} "
                f"to {leaf.not_valid_after_utc}"
            )
        authority = self._issuers.get(leaf) or self._find(leaf)
        if not _valid(authority, now):
            raise NoCredentials.of("the service CA that issued the client certificate is not valid now")
        return authority

    def subject_of(self, leaf: x509.Certificate) -> Subject:
        """The verified subject of the leaf. Raises `NoCredentials`."""
        self.authority_of(leaf)
        try:
            return subject_of(leaf)
        except Invalid as err:
            raise NoCredentials.of(err.message) from err

    def _find(self, leaf: x509.Certificate) -> x509.Certificate:
        for authority in self.authorities:
            if _issued(authority, leaf):
                if len(self._issuers) >= _REMEMBERED:
                    self._issuers.clear()
                self._issuers[leaf] = authority
                return authority
        raise NoCredentials.of("the client certificate was not issued by the service CA")


def load_certificates(pem: bytes) -> list[x509.Certificate]:
    """All certificates of a PEM text, at least one. Raises `Invalid`."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as err:
        raise Invalid(f"no certificate can be read from the PEM text: {err}") from err


def load_key(pem: bytes) -> PrivateKey:
    """The ECDSA or RSA key of a PEM text. Raises `Invalid`."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as err:
        raise Invalid("no unencrypted private key can be read from the PEM text") from err
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise Invalid("the private key is neither ECDSA nor RSA")
    return key


def key_pem(key: PrivateKey) -> bytes:
    """The key in the traditional form that upstream writes (`EC PRIVATE KEY`)."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _serial(random_bits: RandomBits) -> int:
    return random_bits(_SERIAL_BITS) or 1


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    serial: int,
    public_key: ec.EllipticCurvePublicKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(serial)
        .public_key(public_key)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_encipherment=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _issued(authority: x509.Certificate, leaf: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        # Another name, another key, or a kind of signature that no service CA makes.
        return False
    return True


def _valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
