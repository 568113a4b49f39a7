"""Secrets show what they hold, never its content."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

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
