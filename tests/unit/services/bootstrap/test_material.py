from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bcrypt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from pyrox.clock import Clock
from pyrox.errors import Internal, Invalid
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_certificates, load_key
from services.bootstrap import material
from services.bootstrap.wanted import CENTRAL
from tests.support.pki import FixedClock

BY_NAME = {one.name: one for one in CENTRAL}


def last(choices: Sequence[str]) -> str:
    return choices[-1]


def make(name: str, ca: CertificateAuthority, namespace: str = "stackrox") -> dict[str, bytes]:
    return dict(material.make(BY_NAME[name], lambda: ca, namespace=namespace, pick=last))


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return FixedClock()


@pytest.fixture(name="ca")
def _ca(clock: Clock) -> CertificateAuthority:
    return CertificateAuthority.create(clock=clock)


@pytest.mark.parametrize("name", [one.name for one in CENTRAL])
def test_secret_has_every_key_that_its_kind_demands(name: str, ca: CertificateAuthority) -> None:
    made = make(name, ca)
    assert set(BY_NAME[name].kind.value) <= set(made)
    assert all(made.values())


def test_central_secret_holds_a_ca_that_issued_its_certificate(
    ca: CertificateAuthority, clock: Clock
) -> None:
    made = make("central-tls", ca)
    loaded = CertificateAuthority.load(made["ca.pem"], made["ca-key.pem"], clock=clock)
    leaf = load_certificates(made["cert.pem"])[0]
    subject = ServiceTrust([loaded.certificate], clock).subject_of(leaf)
    assert subject.common_name == "CENTRAL_SERVICE: Central"
    assert load_key(made["key.pem"]).public_key() == leaf.public_key()


def test_token_key_is_rsa_with_4096_bits_in_the_traditional_form(ca: CertificateAuthority) -> None:
    pem = make("central-tls", ca)["jwt-key.pem"]
    key = load_key(pem)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 4096
    assert pem.startswith(b"-----BEGIN RSA PRIVATE KEY-----")


@pytest.mark.parametrize(
    ("namespace", "names"),
    [
        (
            "stackrox",
            ["central-db.stackrox", "central-db.stackrox.svc", "central-db.stackrox.svc.cluster.local"],
        ),
        (
            "acs",
            [
                "central-db.stackrox",
                "central-db.stackrox.svc",
                "central-db.acs",
                "central-db.acs.svc",
                "central-db.stackrox.svc.cluster.local",
                "central-db.acs.svc.cluster.local",
            ],
        ),
    ],
)
def test_certificate_names_the_service_in_every_form(
    namespace: str, names: list[str], ca: CertificateAuthority
) -> None:
    leaf = load_certificates(make("central-db-tls", ca, namespace)["cert.pem"])[0]
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == names


def test_certificate_lasts_a_year(ca: CertificateAuthority) -> None:
    leaf = load_certificates(make("scanner-v4-db-tls", ca)["cert.pem"])[0]
    start = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    assert leaf.not_valid_after_utc == start + timedelta(days=365)
    assert leaf.not_valid_before_utc == start - timedelta(hours=1)


def test_login_is_a_bcrypt_line_of_admin_for_the_password_beside_it(ca: CertificateAuthority) -> None:
    made = make("central-htpasswd", ca)
    user, _, hashed = made["htpasswd"].strip().partition(b":")
    assert user == b"admin"
    assert made["htpasswd"].endswith(b"\n")
    assert bcrypt.checkpw(made["password"], hashed)


def test_password_is_32_letters_and_digits_as_they_were_picked(ca: CertificateAuthority) -> None:
    assert make("central-db-password", ca) == {"password": b"9" * 32}


def test_login_takes_the_password_that_the_user_chose(ca: CertificateAuthority) -> None:
    wanted = BY_NAME["central-htpasswd"]
    made = material.make(wanted, lambda: ca, namespace="stackrox", pick=last, admin=b"correct horse")
    assert made["password"] == b"correct horse"
    assert bcrypt.checkpw(b"correct horse", made["htpasswd"].strip().partition(b":")[2])


@pytest.mark.parametrize("written", [b"letmein", b"letmein\n", b"letmein\r\n", b"x" * 72 + b"\n"])
def test_chosen_password_is_what_the_file_holds(written: bytes, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(written)
    assert material.chosen_password(tmp_path / "password") == written.rstrip()


@pytest.mark.parametrize("written", [b"", b"\n", b"a\0b", b"x" * 73, b"x" * 500])
def test_chosen_password_that_is_of_no_use_is_refused(written: bytes, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(written)
    with pytest.raises(Invalid, match="has 1 to 72 bytes"):
        material.chosen_password(tmp_path / "password")


def test_chosen_password_that_is_not_there_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="none: No such file"):
        material.chosen_password(tmp_path / "none")


def test_certificate_without_a_holder_is_our_own_fault(ca: CertificateAuthority) -> None:
    with pytest.raises(Internal, match="central-db-password holds no certificate"):
        material.leaf(ca, BY_NAME["central-db-password"], namespace="stackrox")
