"""The CA's certificates, field by field, and the check of what it issued."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from pyrox.errors import Invalid, NoCredentials
from pyrox.mtls.ca import CertificateAuthority, Profile, ServiceTrust, load_certificates, load_key
from pyrox.mtls.identity import CENTRAL
from tests.support.pki import SENSOR, FixedClock

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def authority(moment: datetime = NOW) -> CertificateAuthority:
    return CertificateAuthority.create(clock=FixedClock(moment))


def test_create_makes_the_ca_that_upstream_makes() -> None:
    serial = 14710201938226599
    certificate = CertificateAuthority.create(clock=FixedClock(NOW), random_bits=lambda _: serial).certificate
    expected = f"2.5.4.5={serial},CN=StackRox Certificate Authority"
    assert certificate.subject.rfc4514_string() == expected
    assert certificate.issuer == certificate.subject
    assert certificate.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert certificate.not_valid_after_utc == certificate.not_valid_before_utc + timedelta(days=1825)
    extension = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    usage = extension.value
    assert extension.critical
    assert (usage.key_cert_sign, usage.crl_sign, usage.digital_signature) == (True, True, False)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_issue_makes_a_leaf_for_servers_and_clients() -> None:
    ca = authority()
    leaf = ca.issue(CENTRAL, namespace="acs", extra_names=("central.example.com",)).certificate
    assert leaf.not_valid_before_utc == NOW - timedelta(hours=1)
    assert leaf.not_valid_after_utc == NOW + timedelta(days=365)
    assert leaf.issuer == ca.certificate.subject
    public_key = leaf.public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    assert public_key.curve.name == "secp256r1"
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, True, False)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [
        "central.stackrox",
        "central.stackrox.svc",
        "central.acs",
        "central.acs.svc",
        "central.example.com",
    ]
    assert leaf.subject.rfc4514_string().startswith(f"2.5.4.5={leaf.serial_number},CN=CENTRAL_SERVICE")


@pytest.mark.parametrize(
    ("profile", "hours"),
    [(Profile.EPHEMERAL_HOURS, 3), (Profile.EPHEMERAL_DAYS, 48), (Profile.REGISTRATION, 24)],
)
def test_issue_with_a_short_profile_ends_early(profile: Profile, hours: int) -> None:
    leaf = authority().issue(SENSOR, lifetime=profile.value).certificate
    assert leaf.not_valid_after_utc == NOW + timedelta(hours=hours)


def test_load_of_what_was_saved_issues_under_the_same_ca() -> None:
    ca = authority()
    assert b"BEGIN EC PRIVATE KEY" in ca.key_pem
    loaded = CertificateAuthority.load(ca.cert_pem, ca.key_pem, clock=FixedClock(NOW))
    trust = ServiceTrust([ca.certificate], FixedClock(NOW))
    assert trust.subject_of(loaded.issue(SENSOR).certificate).id == SENSOR.id


def test_load_with_the_key_of_another_ca_is_invalid() -> None:
    with pytest.raises(Invalid, match="does not belong"):
        CertificateAuthority.load(authority().cert_pem, authority().key_pem, clock=FixedClock(NOW))


@pytest.mark.parametrize("text", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_unreadable_pem_is_invalid(text: bytes) -> None:
    with pytest.raises(Invalid):
        load_certificates(text)
    with pytest.raises(Invalid):
        load_key(text)


def test_authority_of_a_leaf_is_found_among_primary_and_secondary() -> None:
    primary, secondary = authority(), authority()
    trust = ServiceTrust([primary.certificate, secondary.certificate], FixedClock(NOW))
    for ca in (primary, secondary):
        leaf = ca.issue(SENSOR).certificate
        assert trust.authority_of(leaf) == ca.certificate
        assert trust.authority_of(leaf) == ca.certificate  # the second time from memory


def test_leaf_of_a_foreign_ca_of_the_same_name_has_no_authority() -> None:
    serial = 42
    known = CertificateAuthority.create(clock=FixedClock(NOW), random_bits=lambda _: serial)
    forged = CertificateAuthority.create(clock=FixedClock(NOW), random_bits=lambda _: serial)
    assert known.certificate.subject == forged.certificate.subject
    with pytest.raises(NoCredentials, match="not issued by the service CA"):
        ServiceTrust([known.certificate], FixedClock(NOW)).authority_of(forged.issue(SENSOR).certificate)


def test_leaf_signed_by_a_leaf_has_no_authority() -> None:
    ca = authority()
    issued = ca.issue(SENSOR)
    impostor = CertificateAuthority(
        certificate=issued.certificate, key=load_key(issued.key_pem), clock=FixedClock(NOW)
    )
    with pytest.raises(NoCredentials):
        ServiceTrust([ca.certificate], FixedClock(NOW)).authority_of(impostor.issue(CENTRAL).certificate)


@pytest.mark.parametrize("moved", [timedelta(hours=-2), timedelta(days=365, seconds=1)])
def test_leaf_outside_its_time_is_refused_even_when_known(moved: timedelta) -> None:
    clock = FixedClock(NOW)
    ca = authority()
    leaf = ca.issue(SENSOR).certificate
    trust = ServiceTrust([ca.certificate], clock)
    trust.authority_of(leaf)
    clock.moment = NOW + moved
    with pytest.raises(NoCredentials, match="is valid from"):
        trust.authority_of(leaf)


def test_leaf_of_an_expired_ca_is_refused() -> None:
    old = authority(NOW - timedelta(days=1820))
    leaf = (
        CertificateAuthority.load(old.cert_pem, old.key_pem, clock=FixedClock(NOW)).issue(SENSOR).certificate
    )
    trust = ServiceTrust([old.certificate], FixedClock(NOW + timedelta(days=10)))
    with pytest.raises(NoCredentials, match="service CA that issued"):
        trust.authority_of(leaf)


def test_trust_remembers_a_bounded_number_of_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrox.mtls.ca._REMEMBERED", 2)
    ca = authority()
    trust = ServiceTrust([ca.certificate], FixedClock(NOW))
    for _ in range(5):
        trust.authority_of(ca.issue(SENSOR).certificate)
    assert len(trust._issuers) <= 2
