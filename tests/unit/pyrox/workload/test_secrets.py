"""Secrets show what they hold, never its content."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from pyrox.mtls.ca import CertificateAuthority
from pyrox.pb.storage.secret_pb2 import SecretType
from pyrox.workload.secrets import logins, to_secret
from tests.support.pki import FixedClock


def b64(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def secret(kind: str = "Opaque", **data: Any) -> dict[str, Any]:
    return {"metadata": {"uid": "s", "name": "n", "namespace": "ns"}, "type": kind, "data": data}


HEADERS = {
    "CERTIFICATE REQUEST": SecretType.CERTIFICATE_REQUEST,
    "OPENSSH PRIVATE KEY": SecretType.OPENSSH_PRIVATE_KEY,
    "RSA PRIVATE KEY": SecretType.RSA_PRIVATE_KEY,
    "EC PRIVATE KEY": SecretType.EC_PRIVATE_KEY,
    "PRIVATE KEY": SecretType.CERT_PRIVATE_KEY,
    "ENCRYPTED PRIVATE KEY": SecretType.ENCRYPTED_PRIVATE_KEY,
    "SOMETHING ELSE": SecretType.UNDETERMINED,
}


@pytest.mark.parametrize("header", HEADERS)
def test_to_secret_pem_header_gives_type(header: str) -> None:
    made = to_secret(secret(key=b64(f"-----BEGIN {header}-----\nAAAA\n")))
    assert made.files[0].type == HEADERS[header]


def test_to_secret_certificate_gives_details_and_not_bytes() -> None:
    authority = CertificateAuthority.create(clock=FixedClock())
    made = to_secret(secret(**{"ca.pem": b64(authority.cert_pem), "z": b64("hunter2")}))
    cert = made.files[0].cert
    assert cert.subject.common_name == "StackRox Certificate Authority"
    assert cert.algorithm == "ECDSA-SHA256"
    assert cert.end_date.seconds > cert.start_date.seconds
    assert made.files[1].type == SecretType.UNDETERMINED
    assert b"hunter2" not in made.SerializeToString()


def test_to_secret_broken_certificate_is_still_listed() -> None:
    made = to_secret(secret(a=b64("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----")))
    assert made.files[0].type == SecretType.PUBLIC_CERTIFICATE
    assert not made.files[0].HasField("cert")


@pytest.mark.parametrize("value", ["not base64!", 7, None, b64(b"\xff\xfe")])
def test_to_secret_unreadable_value_is_undetermined(value: object) -> None:
    assert to_secret(secret(a=value)).files[0].type == SecretType.UNDETERMINED


def test_to_secret_docker_config_lists_registries_without_passwords() -> None:
    auths = {"quay.io": {"auth": b64("robot:p4ss:word")}, "a.example": {"username": "u", "password": "p4ss"}}
    value = secret(
        "kubernetes.io/dockerconfigjson", **{".dockerconfigjson": b64(json.dumps({"auths": auths}))}
    )
    made = to_secret(value)
    assert made.files[0].type == SecretType.IMAGE_PULL_SECRET
    registries = made.files[0].image_pull_secret.registries
    assert [(item.name, item.username) for item in registries] == [("a.example", "u"), ("quay.io", "robot")]
    assert b"p4ss" not in made.SerializeToString()
    assert [login.password for login in logins(value)] == ["p4ss", "p4ss:word"]
    assert "p4ss" not in repr(logins(value))


@pytest.mark.parametrize("raw", ["nope", "[]", '{"auths": []}', '{"auths": {"x": 1}}'])
def test_logins_malformed_config_gives_no_password(raw: str) -> None:
    value = secret("kubernetes.io/dockerconfigjson", **{".dockerconfigjson": b64(raw)})
    assert all(not login.password for login in logins(value))


def test_logins_old_form_has_no_auths_level() -> None:
    value = secret(
        "kubernetes.io/dockercfg", **{".dockercfg": b64(json.dumps({"quay.io": {"username": "u"}}))}
    )
    assert [login.registry for login in logins(value)] == ["quay.io"]


def certificate(old: bytes, new: bytes) -> str:
    """A certificate in which some bytes were replaced."""
    found = x509.load_pem_x509_certificate(CertificateAuthority.create(clock=FixedClock()).cert_pem)
    der = found.public_bytes(serialization.Encoding.DER)
    assert old in der
    assert len(old) == len(new)
    body = base64.encodebytes(der.replace(old, new)).decode()
    return b64(f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n")


ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")


def test_to_secret_certificate_of_unknown_version_is_listed_without_details() -> None:
    # Anybody who may write secrets may store this: it must not end the conversion of the others.
    made = to_secret(secret(a=certificate(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x22"), b=b64("x")))
    assert [file.type for file in made.files] == [SecretType.PUBLIC_CERTIFICATE, SecretType.UNDETERMINED]
    assert not made.files[0].HasField("cert")


def test_to_secret_certificate_of_unknown_algorithm_keeps_its_other_details() -> None:
    made = to_secret(secret(a=certificate(ECDSA_SHA256, ECDSA_SHA256[:-1] + b"\x63")))
    assert made.files[0].cert.subject.common_name == "StackRox Certificate Authority"
    assert made.files[0].cert.algorithm == ""


def test_to_secret_certificate_whose_name_is_no_text_is_listed_without_details() -> None:
    common_name = bytes.fromhex("0603550403") + b"\x0c"
    made = to_secret(secret(a=certificate(common_name, common_name[:-1] + b"\x03")))
    assert made.files[0].type == SecretType.PUBLIC_CERTIFICATE
    assert not made.files[0].HasField("cert")


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa.generate_private_key(65537, 2048), "SHA384-RSA"),
        (ec.generate_private_key(ec.SECP384R1()), "ECDSA-SHA384"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
    ],
    ids=["rsa", "ecdsa", "ed25519"],
)
def test_to_secret_certificate_shows_names_and_algorithm_as_go_does(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, algorithm: str
) -> None:
    now = FixedClock().now()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "cn"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "one"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "two"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        ]
    )
    names = x509.SubjectAlternativeName([x509.DNSName("a.example"), x509.IPAddress(ip_address("10.0.0.1"))])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, None if algorithm == "Ed25519" else hashes.SHA384())
    )
    cert = to_secret(secret(a=b64(built.public_bytes(serialization.Encoding.PEM)))).files[0].cert
    assert (cert.algorithm, list(cert.sans)) == (algorithm, ["a.example"])
    assert (cert.subject.common_name, cert.subject.organization, cert.subject.country) == (
        "cn",
        "one,two",
        "DE",
    )
    assert cert.issuer == cert.subject
    assert cert.end_date.seconds - cert.start_date.seconds == 86400
