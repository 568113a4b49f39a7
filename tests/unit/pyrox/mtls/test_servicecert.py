"""ServiceCert tokens: made, checked, forged."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from pyrox.errors import NoCredentials
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_key
from pyrox.mtls.servicecert import make_token, sign, signed_by, verify_token
from pyrox.pb.internalapi.central.auth_pb2 import ServiceCertAuth
from tests.support.pki import SENSOR, FixedClock

CA = CertificateAuthority.create(clock=FixedClock())
LEAF = CA.issue(SENSOR)
KEY = load_key(LEAF.key_pem)


def trust(clock: FixedClock | None = None) -> ServiceTrust:
    return ServiceTrust([CA.certificate], clock or FixedClock())


def test_token_of_a_service_names_it() -> None:
    token = make_token(LEAF.certificate, KEY, FixedClock())
    assert "=" not in token
    assert verify_token(token, trust()).common_name == SENSOR.common_name


@pytest.mark.parametrize("seconds", [-60, 60])
def test_token_within_a_minute_is_accepted(seconds: int) -> None:
    clock = FixedClock()
    token = make_token(LEAF.certificate, KEY, clock)
    clock.moment += timedelta(seconds=seconds)
    assert verify_token(token, trust(clock)).id == SENSOR.id


@pytest.mark.parametrize("seconds", [-61, 61])
def test_token_more_than_a_minute_away_is_refused(seconds: int) -> None:
    clock = FixedClock()
    token = make_token(LEAF.certificate, KEY, clock)
    clock.moment += timedelta(seconds=seconds)
    with pytest.raises(NoCredentials, match="set the clocks right"):
        verify_token(token, trust(clock))


def test_token_signed_with_another_key_is_refused() -> None:
    token = make_token(LEAF.certificate, load_key(CA.issue(SENSOR).key_pem), FixedClock())
    with pytest.raises(NoCredentials, match="signature"):
        verify_token(token, trust())


def test_token_of_a_foreign_ca_is_refused() -> None:
    foreign = CertificateAuthority.create(clock=FixedClock()).issue(SENSOR)
    token = make_token(foreign.certificate, load_key(foreign.key_pem), FixedClock())
    with pytest.raises(NoCredentials, match="not issued by"):
        verify_token(token, trust())


def test_token_with_a_changed_time_is_refused() -> None:
    body, _, signature = make_token(LEAF.certificate, KEY, FixedClock()).partition(".")
    auth = ServiceCertAuth.FromString(base64.b64decode(body + "=="))
    auth.current_time.seconds += 10
    changed = base64.b64encode(auth.SerializeToString()).decode().rstrip("=")
    with pytest.raises(NoCredentials, match="signature"):
        verify_token(f"{changed}.{signature}", trust())


def _far_future() -> str:
    auth = ServiceCertAuth(cert_der=b"x")
    auth.current_time.seconds = 1 << 60
    return base64.b64encode(auth.SerializeToString()).decode().rstrip("=") + ".AAAA"


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "é.é", "AAAA", "!!!!.????", "A" * 20_000, _far_future()])
def test_broken_token_is_refused(token: str) -> None:
    with pytest.raises(NoCredentials):
        verify_token(token, trust())


@given(st.binary(max_size=200), st.binary(max_size=80))
def test_token_of_random_bytes_is_refused(body: bytes, signature: bytes) -> None:
    token = f"{base64.b64encode(body).decode()}.{base64.b64encode(signature).decode()}"
    with pytest.raises(NoCredentials):
        verify_token(token, trust())


def test_rsa_signature_is_checked_too() -> None:
    key = rsa.generate_private_key(65537, 2048)
    signature = sign(key, b"data")
    assert signed_by(key.public_key(), signature, b"data")
    assert not signed_by(key.public_key(), signature, b"other")


def test_signature_of_a_kind_that_no_service_has_is_wrong() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    assert not signed_by(key.public_key(), key.sign(b"data"), b"data")
