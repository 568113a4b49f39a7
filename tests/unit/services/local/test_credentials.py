"""Secrets of an installation: layout, modes, and that they stay."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import bcrypt
import pytest
from cryptography import x509

from pyrox.mtls.ca import ServiceTrust, load_certificates
from services.local.credentials import Credentials
from services.local.places import Places
from tests.support.pki import FixedClock

ADDRESSES = {"central": "127.0.10.2", "simulated": "127.0.10.5"}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    made = Places(tmp_path_factory.mktemp("local"))
    Credentials(places=made, clock=FixedClock()).ensure(addresses=ADDRESSES)
    return made


def contents(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_every_process_finds_its_secrets_where_a_pod_mounts_them(places: Places) -> None:
    found = contents(places.secrets)
    for name in ("central", "central-db", "scanner_indexer", "scanner_matcher"):
        assert {f"{name}/certs/{file}" for file in ("ca.pem", "cert.pem", "key.pem")} <= found.keys()
    assert {
        "central/certs/ca-key.pem",
        "central/jwt/jwt-key.pem",
        "central/htpasswd/htpasswd",
        "central/db-password/password",
        "central/default-tls-cert/tls.crt",
    } <= found.keys()
    assert found["central/db-password/password"] == found["central-db/central"]


def test_only_the_owner_can_read_a_secret(places: Places) -> None:
    paths = [path for path in places.state.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert stat.S_IMODE(places.secrets.stat().st_mode) == 0o700


def test_the_admin_password_fits_its_hash(places: Places) -> None:
    user, _, hashed = (places.secrets / "central/htpasswd/htpasswd").read_text().strip().partition(":")
    password = places.admin_password.read_text().strip()
    assert user == "admin"
    assert len(password) >= 20
    assert bcrypt.checkpw(password.encode(), hashed.encode())


def test_a_second_run_changes_nothing(places: Places) -> None:
    before = contents(places.state)
    Credentials(places=places, clock=FixedClock()).ensure(addresses=ADDRESSES)
    assert contents(places.state) == before


def test_certificates_that_end_soon_are_renewed_and_the_ca_stays(tmp_path: Path) -> None:
    places, clock = Places(tmp_path), FixedClock()
    Credentials(places=places, clock=clock).ensure(addresses=ADDRESSES)
    before = contents(places.secrets)
    clock.moment += timedelta(days=350)
    Credentials(places=places, clock=clock).ensure(addresses=ADDRESSES)
    after = contents(places.secrets)
    assert after["ca/ca.pem"] == before["ca/ca.pem"]
    assert after["central/certs/cert.pem"] != before["central/certs/cert.pem"]
    assert after["central/jwt/jwt-key.pem"] == before["central/jwt/jwt-key.pem"]


def test_the_web_certificate_names_the_address_of_its_process(places: Places) -> None:
    leaf = load_certificates((places.secrets / "simulated/web/cert.pem").read_bytes())[0]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.10.5"]


def test_a_cluster_gets_certificates_with_its_id(places: Places) -> None:
    credentials = Credentials(places=places, clock=FixedClock())
    trust = ServiceTrust([credentials.ca().certificate], FixedClock())
    for cluster in ("11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"):
        credentials.secured_cluster(cluster)
        for name, service in (("sensor", "SENSOR_SERVICE"), ("admission", "ADMISSION_CONTROL_SERVICE")):
            pem = (places.secrets / name / "certs" / "cert.pem").read_bytes()
            subject = trust.subject_of(load_certificates(pem)[0])
            assert (subject.type, subject.id) == (service, cluster)
