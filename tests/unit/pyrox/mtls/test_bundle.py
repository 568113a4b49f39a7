"""Init bundles and registration secrets, read back as their users read them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from pyrox.errors import Invalid
from pyrox.mtls.bundle import ca_config, crs_payload, init_bundle, read_crs, registration
from pyrox.mtls.ca import CertificateAuthority, Profile, load_certificates, load_key
from pyrox.mtls.identity import EPHEMERAL_WILDCARD_ID, WILDCARD_ID, Subject, subject_of
from tests.support.pki import FixedClock

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CA = CertificateAuthority.create(clock=FixedClock(NOW))
BUNDLE_ID = "3b9a0f1e-0f3d-4c4e-8a57-7a9d4b1c2d3e"
NAME = 'prod "east": #1'


def check(cert: str, key: str, service_type: str, identifier: str = WILDCARD_ID) -> None:
    leaf = load_certificates(cert.encode())[0]
    subject = subject_of(leaf)
    assert (subject.type, subject.id, subject.init_bundle) == (service_type, identifier, BUNDLE_ID)
    assert leaf.public_key() == load_key(key.encode()).public_key()


def test_helm_values_hold_the_ca_and_three_certificates() -> None:
    bundle = init_bundle(CA, bundle_id=BUNDLE_ID, name=NAME, created_at=NOW)
    values = yaml.safe_load(bundle.helm_values)
    assert list(values) == ["ca", "sensor", "collector", "admissionControl"]
    assert values["ca"]["cert"].encode() == CA.cert_pem
    for key, service_type in {
        "sensor": "SENSOR_SERVICE",
        "collector": "COLLECTOR_SERVICE",
        "admissionControl": "ADMISSION_CONTROL_SERVICE",
    }.items():
        check(**values[key]["serviceTLS"], service_type=service_type)


def test_kubectl_form_holds_the_same_certificates_as_secrets() -> None:
    bundle = init_bundle(CA, bundle_id=BUNDLE_ID, name=NAME, created_at=NOW)
    values = yaml.safe_load(bundle.helm_values)
    secrets = list(yaml.safe_load_all(bundle.kubectl))
    assert [secret["metadata"]["name"] for secret in secrets] == [
        "sensor-tls",
        "collector-tls",
        "admission-control-tls",
    ]
    for secret in secrets:
        assert (secret["apiVersion"], secret["kind"]) == ("v1", "Secret")
        assert secret["metadata"]["annotations"] == {
            "init-bundle.stackrox.io/created-at": "2026-11-24T09:00:00Z",
            "init-bundle.stackrox.io/expires-at": "2027-11-24T09:00:00Z",
            "init-bundle.stackrox.io/id": BUNDLE_ID,
            "init-bundle.stackrox.io/name": NAME,
        }
    assert secrets[2]["stringData"] == {
        "ca.pem": values["ca"]["cert"],
        "admission-control-cert.pem": values["admissionControl"]["serviceTLS"]["cert"],
        "admission-control-key.pem": values["admissionControl"]["serviceTLS"]["key"],
    }


def test_ephemeral_bundle_has_its_own_identifier_and_lasts_three_hours() -> None:
    bundle = init_bundle(
        CA,
        bundle_id=BUNDLE_ID,
        name="operator",
        created_at=NOW,
        identifier=EPHEMERAL_WILDCARD_ID,
        lifetime=Profile.EPHEMERAL_HOURS.value,
    )
    sensor = yaml.safe_load(bundle.helm_values)["sensor"]["serviceTLS"]
    check(**sensor, service_type="SENSOR_SERVICE", identifier=EPHEMERAL_WILDCARD_ID)
    assert bundle.label.expires_at == NOW + timedelta(hours=3)


def test_bundle_named_with_line_breaks_stays_one_document() -> None:
    bundle = init_bundle(CA, bundle_id=BUNDLE_ID, name="a\nca: {}\n---\n", created_at=NOW)
    assert list(yaml.safe_load(bundle.helm_values)) == ["ca", "sensor", "collector", "admissionControl"]
    assert len(list(yaml.safe_load_all(bundle.kubectl))) == 3


def test_ca_config_holds_the_ca_alone() -> None:
    assert yaml.safe_load(ca_config(CA.cert_pem)) == {"ca": {"cert": CA.cert_pem.decode()}}


def test_registration_secret_is_read_back_by_sensor() -> None:
    made = registration(CA, crs_id=BUNDLE_ID, name=NAME, created_at=NOW)
    secret = yaml.safe_load(made.manifest)
    assert secret["metadata"]["name"] == "cluster-registration-secret"
    assert secret["metadata"]["annotations"]["crs.platform.stackrox.io/name"] == NAME
    crs = read_crs(base64.b64decode(secret["data"]["crs"]))
    assert crs.authorities == (CA.cert_pem.decode(),)
    check(crs.cert_pem, crs.key_pem, "REGISTRANT_SERVICE")
    assert made.label.expires_at == NOW + timedelta(hours=24)


def _payload(document: object) -> bytes:
    return base64.b64encode(json.dumps(document).encode())


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"%%%",
        b"e30=",
        _payload([]),
        _payload({"version": 2, "CAs": ["x"], "cert": "c", "key": "k"}),
        _payload({"version": 1, "CAs": [], "cert": "c", "key": "k"}),
        _payload({"version": 1, "CAs": ["x"], "cert": "c"}),
        b"A" * (2 << 20),
    ],
)
def test_broken_registration_secret_is_invalid(payload: bytes) -> None:
    with pytest.raises(Invalid, match="cluster registration secret"):
        read_crs(payload)


def test_crs_payload_has_upstreams_keys() -> None:
    issued = CA.issue(Subject("REGISTRANT_SERVICE", WILDCARD_ID, BUNDLE_ID))
    document = json.loads(base64.b64decode(crs_payload(CA.cert_pem, issued)))
    assert list(document) == ["version", "CAs", "cert", "key"]
