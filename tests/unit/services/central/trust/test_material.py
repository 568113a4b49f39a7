"""The certificates that Central was installed with: read, proved, and refused by name."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from pyrox.errors import Invalid, NoCredentials, RoxError
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust
from pyrox.mtls.challenge import verify
from pyrox.mtls.identity import CENTRAL
from services.central.trust.material import Material
from tests.support.pki import SENSOR, FixedClock

TOKEN = base64.urlsafe_b64encode(bytes(range(32))).decode()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def ca(clock: FixedClock) -> CertificateAuthority:
    return CertificateAuthority.create(clock=clock)


@pytest.fixture
def directory(tmp_path: Path, ca: CertificateAuthority) -> Path:
    issued = ca.issue(CENTRAL)
    (tmp_path / "ca.pem").write_bytes(ca.cert_pem)
    (tmp_path / "ca-key.pem").write_bytes(ca.key_pem)
    (tmp_path / "cert.pem").write_bytes(issued.cert_pem)
    (tmp_path / "key.pem").write_bytes(issued.key_pem)
    return tmp_path


def test_material_issues_with_the_ca_and_trusts_what_it_issued(directory: Path, clock: FixedClock) -> None:
    material = Material.load(directory, clock)
    leaf = material.ca.issue(SENSOR).certificate
    assert material.trust.subject_of(leaf).id == SENSOR.id
    foreign = CertificateAuthority.create(clock=clock).issue(SENSOR).certificate
    with pytest.raises(NoCredentials):
        material.trust.subject_of(foreign)


def test_material_ends_with_centrals_certificate(directory: Path, clock: FixedClock) -> None:
    assert Material.load(directory, clock).expiry() == clock.now() + timedelta(days=365)


def test_renewed_certificate_is_proved_and_told_without_a_restart(
    directory: Path, clock: FixedClock, ca: CertificateAuthority
) -> None:
    material = Material.load(directory, clock)
    assert not material.reload_if_changed()
    clock.moment += timedelta(days=200)
    renewed = ca.issue(CENTRAL)
    (directory / "cert.pem").write_bytes(renewed.cert_pem)
    with pytest.raises(Invalid, match=r"key.pem: the key does not belong to cert.pem"):
        material.reload_if_changed()
    (directory / "key.pem").write_bytes(renewed.key_pem)
    assert material.reload_if_changed()
    assert material.expiry() == clock.now() + timedelta(days=365)
    verify(material.challenge(TOKEN), TOKEN, ServiceTrust([ca.certificate], clock))
    assert not material.reload_if_changed()


def test_certificate_of_another_ca_is_not_taken_over(directory: Path, clock: FixedClock) -> None:
    material = Material.load(directory, clock)
    before = material.chain
    foreign = CertificateAuthority.create(clock=clock).issue(CENTRAL)
    (directory / "cert.pem").write_bytes(foreign.cert_pem)
    (directory / "key.pem").write_bytes(foreign.key_pem)
    with pytest.raises(Invalid, match=r"cert.pem: "):
        material.reload_if_changed()
    assert material.chain is before


def test_challenge_is_proved_to_whoever_trusts_the_ca(
    directory: Path, clock: FixedClock, ca: CertificateAuthority
) -> None:
    answer = Material.load(directory, clock).challenge(TOKEN)
    trust = verify(answer, TOKEN, ServiceTrust([ca.certificate], clock))
    assert trust.authorities == (ca.certificate,)
    stranger = ServiceTrust([CertificateAuthority.create(clock=clock).certificate], clock)
    with pytest.raises(NoCredentials):
        verify(answer, TOKEN, stranger)
    with pytest.raises(NoCredentials, match="answers another challenge"):
        verify(answer, TOKEN[::-1], ServiceTrust([ca.certificate], clock))


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (
            "",
            'base64 decoded challenge token must be 32 bytes long, received challenge "" was 0 bytes',
        ),
        (TOKEN[:40], "was 30 bytes"),
        ("\u00e4" * 43 + "=", "must be a valid base64 string"),
        ("!" * 44, "must be a valid base64 string"),
    ],
)
def test_challenge_of_another_form_is_refused(
    directory: Path, clock: FixedClock, token: str, message: str
) -> None:
    with pytest.raises(Invalid) as caught:
        Material.load(directory, clock).challenge(token)
    assert message in caught.value.message


@pytest.mark.parametrize("name", ["ca.pem", "ca-key.pem", "cert.pem", "key.pem"])
def test_missing_file_is_named_with_the_secret_to_mount(
    directory: Path, clock: FixedClock, name: str
) -> None:
    (directory / name).unlink()
    with pytest.raises(Invalid) as caught:
        Material.load(directory, clock)
    assert caught.value.message == (
        f"{directory / name}: No such file or directory; mount the secret central-tls"
    )


@pytest.mark.parametrize("name", ["ca.pem", "ca-key.pem", "cert.pem", "key.pem"])
@pytest.mark.parametrize(
    "content", [b"", b"no pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_unreadable_file_is_refused(directory: Path, clock: FixedClock, name: str, content: bytes) -> None:
    (directory / name).write_bytes(content)
    with pytest.raises(Invalid) as caught:
        Material.load(directory, clock)
    assert str(directory / name) in caught.value.message


def test_key_of_another_ca_is_refused(directory: Path, clock: FixedClock) -> None:
    (directory / "ca-key.pem").write_bytes(CertificateAuthority.create(clock=clock).key_pem)
    with pytest.raises(Invalid, match="the CA certificate does not belong to the CA key"):
        Material.load(directory, clock)


def test_key_of_another_certificate_is_refused(
    directory: Path, clock: FixedClock, ca: CertificateAuthority
) -> None:
    (directory / "key.pem").write_bytes(ca.issue(CENTRAL).key_pem)
    with pytest.raises(Invalid, match="key does not belong to cert"):
        Material.load(directory, clock)


def test_certificate_of_another_ca_is_refused(directory: Path, clock: FixedClock) -> None:
    foreign = CertificateAuthority.create(clock=clock).issue(CENTRAL)
    (directory / "cert.pem").write_bytes(foreign.cert_pem)
    (directory / "key.pem").write_bytes(foreign.key_pem)
    with pytest.raises(RoxError) as caught:
        Material.load(directory, clock)
    assert isinstance(caught.value, Invalid)
    assert str(directory / "cert.pem") in caught.value.message


def test_certificate_that_ended_is_refused_by_name(directory: Path, clock: FixedClock) -> None:
    clock.moment += timedelta(days=366)
    with pytest.raises(Invalid, match="is valid from") as caught:
        Material.load(directory, clock)
    assert str(directory / "cert.pem") in caught.value.message
