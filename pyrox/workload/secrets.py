"""Secrets to storage messages: metadata only, contents never leave.

Called by Sensor. For each data key it tells what kind of thing lies there: by PEM
header, for public certificates with their details, for pull secrets with registries
and user names. It must not keep, log or return any value.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding
from cryptography.x509.oid import ExtensionOID, NameOID
from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.pb.storage.secret_pb2 import Cert, CertName, ImagePullSecret, Secret, SecretDataFile, SecretType
from pyrox.workload import objects
from pyrox.workload.objects import Object

_DOCKER_FILES = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
}
# The API server's own bound on a secret is 1 MiB.
_MAX_VALUE = 1024 * 1024
_MAX_REGISTRIES = 1000
_PEM_TYPES = {
    "CERTIFICATE": SecretType.PUBLIC_CERTIFICATE,
    "CERTIFICATE REQUEST": SecretType.CERTIFICATE_REQUEST,
    "NEW CERTIFICATE REQUEST": SecretType.CERTIFICATE_REQUEST,
    "PRIVACY-ENHANCED MESSAGE": SecretType.PRIVACY_ENHANCED_MESSAGE,
    "OPENSSH PRIVATE KEY": SecretType.OPENSSH_PRIVATE_KEY,
    "PGP PRIVATE KEY BLOCK": SecretType.PGP_PRIVATE_KEY,
    "EC PRIVATE KEY": SecretType.EC_PRIVATE_KEY,
    "RSA PRIVATE KEY": SecretType.RSA_PRIVATE_KEY,
    "DSA PRIVATE KEY": SecretType.DSA_PRIVATE_KEY,
    "PRIVATE KEY": SecretType.CERT_PRIVATE_KEY,
    "ENCRYPTED PRIVATE KEY": SecretType.ENCRYPTED_PRIVATE_KEY,
}
_BEGIN, _DASHES, _END = b"-----BEGIN ", b"-----", b"-----END CERTIFICATE-----"
# What the library raises for certificates that lie; anybody may store one in a secret.
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_NAME_FIELDS = {
    "common_name": NameOID.COMMON_NAME,
    "country": NameOID.COUNTRY_NAME,
    "organization": NameOID.ORGANIZATION_NAME,
    "organization_unit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "locality": NameOID.LOCALITY_NAME,
    "province": NameOID.STATE_OR_PROVINCE_NAME,
    "street_address": NameOID.STREET_ADDRESS,
    "postal_code": NameOID.POSTAL_CODE,
}


@dataclass(frozen=True, slots=True, repr=False)
class RegistryLogin:
    """One registry of a pull secret, with the password that only Sensor's memory may hold."""

    registry: str
    username: str
    password: str


def to_secret(value: Object) -> Secret:
    """The secret's metadata, one file per data key in the keys' order."""
    secret = Secret(
        id=objects.uid(value),
        name=objects.name(value),
        namespace=objects.namespace(value),
        type=objects.text(value, "type"),
        labels=objects.label_map(value),
        annotations=objects.annotation_map(value),
        created_at=objects.created(value),
    )
    docker_file = _DOCKER_FILES.get(secret.type, "")
    data = objects.child(value, "data")
    for key in sorted(data):
        if key == docker_file:
            secret.files.append(_pull_secret(key, value))
        else:
            secret.files.append(_file(objects.clean(key), _decoded(data[key])))
    return secret


def logins(value: Object) -> list[RegistryLogin]:
    """The registries of a pull secret with their credentials; empty for other secrets."""
    file = _DOCKER_FILES.get(objects.text(value, "type"))
    if file is None:
        return []
    raw = _decoded(objects.child(value, "data").get(file))
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return []
    if not isinstance(parsed, Mapping):
        return []
    entries = objects.child(parsed, "auths") if file == ".dockerconfigjson" else parsed
    return sorted(_logins(entries), key=lambda login: login.registry)


def _logins(entries: Object) -> Iterator[RegistryLogin]:
    for registry in list(entries)[:_MAX_REGISTRIES]:
        entry = objects.child(entries, registry)
        username, password = objects.text(entry, "username"), objects.text(entry, "password")
        pair = _decoded(entry.get("auth")).decode("utf-8", "replace")
        if not username and ":" in pair:
            username, _, password = pair.partition(":")
        yield RegistryLogin(objects.clean(registry), username, password)


def _pull_secret(key: str, value: Object) -> SecretDataFile:
    registries = [
        ImagePullSecret.Registry(name=login.registry, username=login.username) for login in logins(value)
    ]
    return SecretDataFile(
        name=key,
        type=SecretType.IMAGE_PULL_SECRET,
        image_pull_secret=ImagePullSecret(registries=registries),
    )


def _decoded(value: object) -> bytes:
    """The base64 value's bytes; empty when it is none or too long."""
    if not isinstance(value, str) or len(value) > 2 * _MAX_VALUE:
        return b""
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _file(key: str, raw: bytes) -> SecretDataFile:
    kind = _pem_type(raw)
    file = SecretDataFile(name=key, type=kind)
    if kind == SecretType.PUBLIC_CERTIFICATE:
        certificate = _certificate(raw)
        if certificate is not None:
            file.cert.CopyFrom(certificate)
    return file


def _pem_type(raw: bytes) -> SecretType.ValueType:
    start = raw.find(_BEGIN)
    end = raw.find(_DASHES, start + len(_BEGIN)) if start >= 0 else -1
    if end < 0:
        return SecretType.UNDETERMINED
    header = raw[start + len(_BEGIN) : end].decode("ascii", "replace")
    return _PEM_TYPES.get(header, SecretType.UNDETERMINED)


def _certificate(raw: bytes) -> Cert | None:
    """Details of the first certificate, or None when it cannot be read."""
    end = raw.find(_END)
    try:
        found = x509.load_pem_x509_certificate(raw[raw.find(_BEGIN) : end + len(_END)] + b"\n")
        return Cert(
            subject=_name(found.subject),
            issuer=_name(found.issuer),
            sans=_sans(found),
            start_date=_stamp(found.not_valid_before_utc),
            end_date=_stamp(found.not_valid_after_utc),
            algorithm=_algorithm(found),
        )
    except _UNREADABLE:
        return None


def _name(name: x509.Name) -> CertName:
    """All values of an attribute, joined by commas."""
    fields = {
        field: ",".join(str(item.value) for item in name.get_attributes_for_oid(oid))
        for field, oid in _NAME_FIELDS.items()
    }
    return CertName(**fields)


def _sans(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return []
    names = extension.value
    return names.get_values_for_type(x509.DNSName) if isinstance(names, x509.SubjectAlternativeName) else []


def _stamp(moment: datetime) -> Timestamp:
    result = Timestamp()
    result.FromDatetime(moment)
    return result


def _algorithm(certificate: x509.Certificate) -> str:
    """The signature algorithm in Go's spelling (crypto/x509); empty for an unknown one."""
    try:
        return _known_algorithm(certificate)
    except UnsupportedAlgorithm:
        return ""


def _known_algorithm(certificate: x509.Certificate) -> str:
    if certificate.signature_hash_algorithm is None:
        is_ed25519 = isinstance(certificate.public_key(), ed25519.Ed25519PublicKey)
        return "Ed25519" if is_ed25519 else ""
    digest = certificate.signature_hash_algorithm.name.upper()
    parameters = certificate.signature_algorithm_parameters
    if isinstance(parameters, ec.ECDSA):
        return f"ECDSA-{digest}"
    if isinstance(parameters, padding.PSS):
        return f"{digest}-RSAPSS"
    if isinstance(parameters, padding.PKCS1v15):
        return f"{digest}-RSA"
    return f"DSA-{digest}" if isinstance(certificate.public_key(), dsa.DSAPublicKey) else ""
