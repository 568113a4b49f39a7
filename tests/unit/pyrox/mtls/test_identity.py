"""Subjects and host names of service certificates."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from pyrox.errors import Invalid
from pyrox.mtls.ca import CertificateAuthority
from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER, Subject, service_slug, subject_of
from tests.support.pki import SENSOR, FixedClock

HOSTNAMES = {
    "central": (CENTRAL, "stackrox", ("central.stackrox", "central.stackrox.svc")),
    "sensor": (
        SENSOR,
        "stackrox",
        ("sensor.stackrox", "sensor.stackrox.svc", "sensor-webhook.stackrox.svc"),
    ),
    "sensor elsewhere": (
        SENSOR,
        "acs",
        (
            "sensor.stackrox",
            "sensor.stackrox.svc",
            "sensor-webhook.stackrox.svc",
            "sensor.acs",
            "sensor.acs.svc",
            "sensor-webhook.acs.svc",
        ),
    ),
    "two words": (SCANNER_V4_INDEXER, "", ("scanner-v4-indexer.stackrox", "scanner-v4-indexer.stackrox.svc")),
}


@pytest.mark.parametrize("case", HOSTNAMES)
def test_hostnames_of_a_subject_follow_type_and_namespace(case: str) -> None:
    subject, namespace, names = HOSTNAMES[case]
    assert subject.hostnames(namespace) == names


def test_service_slug_of_admission_control_is_its_kubernetes_service() -> None:
    assert service_slug("ADMISSION_CONTROL_SERVICE") == "admission-control"


def test_name_writes_attributes_in_gos_order() -> None:
    name = Subject("SENSOR_SERVICE", "c1", "b1").name(77)
    assert [(part.oid, part.value) for part in name] == [
        (NameOID.ORGANIZATION_NAME, "b1"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "SENSOR_SERVICE"),
        (NameOID.COMMON_NAME, "SENSOR_SERVICE: c1"),
        (NameOID.SERIAL_NUMBER, "77"),
    ]


def test_subject_of_an_issued_certificate_is_the_one_asked_for() -> None:
    ca = CertificateAuthority.create(clock=FixedClock())
    certificate = ca.issue(Subject("COLLECTOR_SERVICE", "c: 1", "bundle")).certificate
    read = subject_of(certificate)
    assert (read.type, read.id, read.init_bundle) == ("COLLECTOR_SERVICE", "c: 1", "bundle")
    assert read.serial == certificate.serial_number


@pytest.mark.parametrize("common_name", ["SENSOR_SERVICE", "NO_SUCH_SERVICE: x", "central.example.com"])
def test_subject_of_another_certificate_is_invalid(common_name: str) -> None:
    class Foreign:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        serial_number = 1

    with pytest.raises(Invalid, match="does not name a service"):
        subject_of(Foreign())  # type: ignore[arg-type]  # only these two attributes are read
