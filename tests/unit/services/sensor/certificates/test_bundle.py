from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.mtls.ca import CertificateAuthority
from pyrox.mtls.identity import Subject
from pyrox.pb.storage.service_identity_pb2 import ServiceType, TypedServiceCertificateSet
from services.sensor.certificates.bundle import SERVICES, of_files, of_message
from tests.support.pki import FixedClock

CA = CertificateAuthority.create(clock=FixedClock())


def type_of(service: str) -> str:
    return f"{service.replace('-', '_').upper()}_SERVICE"


def files(*services: str) -> dict[str, str]:
    made = {"ca-cert.pem": CA.cert_pem.decode()}
    for service in services:
        issued = CA.issue(Subject(type_of(service), "one"))
        made[f"{service}-cert.pem"] = issued.cert_pem.decode()
        made[f"{service}-key.pem"] = issued.key_pem.decode()
    return made


def test_files_of_a_hello_become_the_seven_services_with_sensors_last() -> None:
    sent = files(*sorted(SERVICES))
    bundle = of_files(sent)
    assert set(bundle.pairs) == {
        "sensor",
        "collector",
        "admission-control",
        "scanner",
        "scanner-db",
        "scanner-v4-indexer",
        "scanner-v4-db",
    }
    assert list(bundle.pairs)[-1] == "sensor"
    assert bundle.data("scanner-v4-db") == {
        "ca.pem": CA.cert_pem,
        "cert.pem": sent["scanner-v4-db-cert.pem"].encode(),
        "key.pem": sent["scanner-v4-db-key.pem"].encode(),
    }


def test_files_of_unknown_services_are_left_out() -> None:
    sent = files("sensor") | {"teapot-cert.pem": "?", "teapot-key.pem": "?", "note.txt": "?"}
    assert list(of_files(sent).pairs) == ["sensor"]


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({}, "Central sent no certificates; its log says why"),
        (files("collector"), "none for Sensor"),
        ({**files("sensor"), "ca-cert.pem": ""}, "no certificate can be read"),
        ({**files("sensor"), "sensor-key.pem": ""}, "certificate for sensor: no unencrypted private key"),
        ({**files("sensor"), "sensor-cert.pem": "?"}, "certificate for sensor: no certificate"),
        (
            {**files("sensor"), "sensor-key.pem": files("sensor")["sensor-key.pem"]},
            "certificate for sensor: the key does not belong",
        ),
    ],
)
def test_files_that_are_of_no_use_are_refused(sent: dict[str, str], text: str) -> None:
    with pytest.raises(Invalid, match=text):
        of_files(sent)


def test_message_becomes_the_same_bundle() -> None:
    sent = files("sensor", "scanner-v4-indexer")
    message = TypedServiceCertificateSet(ca_pem=CA.cert_pem)
    for service in ("sensor", "scanner-v4-indexer"):
        added = message.service_certs.add(service_type=ServiceType.Value(type_of(service)))
        added.cert.cert_pem = sent[f"{service}-cert.pem"].encode()
        added.cert.key_pem = sent[f"{service}-key.pem"].encode()
    assert of_message(message) == of_files(sent)


def test_message_with_a_type_of_a_later_release_keeps_the_others() -> None:
    sent = files("sensor")
    message = TypedServiceCertificateSet(ca_pem=CA.cert_pem)
    message.service_certs.add(service_type=9999)  # type: ignore[arg-type]  # what a later Central may send
    added = message.service_certs.add(service_type=ServiceType.Value("SENSOR_SERVICE"))
    added.cert.cert_pem, added.cert.key_pem = (
        sent["sensor-cert.pem"].encode(),
        sent["sensor-key.pem"].encode(),
    )
    assert list(of_message(message).pairs) == ["sensor"]
