"""Certificates for a cluster: as a bundle, as a message, as the zip that installs it."""

from __future__ import annotations

import io
import zipfile

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_certificates, load_key
from pyrox.pb.storage.cluster_pb2 import Cluster, ClusterType, CollectionMethod
from pyrox.pb.storage.service_identity_pb2 import ServiceType
from services.central.link import certificates, installation
from tests.support.pki import CLUSTER_ID, FixedClock


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority.create(clock=FixedClock())


def checked(ca: CertificateAuthority, cert: bytes, key: bytes) -> tuple[str, str]:
    """Type and id of a certificate that the CA made, and that the key belongs to."""
    leaf = load_certificates(cert)[0]
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert leaf.public_key().public_bytes(*form) == load_key(key).public_key().public_bytes(*form)
    subject = ServiceTrust(load_certificates(ca.cert_pem), FixedClock()).subject_of(leaf)
    return subject.type, subject.id


def test_bundle_has_upstreams_file_names_and_fitting_keys(ca: CertificateAuthority) -> None:
    files = certificates.bundle(ca, CLUSTER_ID, "stackrox")
    slugs = {
        "sensor": "SENSOR_SERVICE",
        "collector": "COLLECTOR_SERVICE",
        "admission-control": "ADMISSION_CONTROL_SERVICE",
        "scanner": "SCANNER_SERVICE",
        "scanner-db": "SCANNER_DB_SERVICE",
        "scanner-v4-indexer": "SCANNER_V4_INDEXER_SERVICE",
        "scanner-v4-db": "SCANNER_V4_DB_SERVICE",
    }
    assert set(files) == {
        "ca-cert.pem",
        *(f"{slug}-{part}.pem" for slug in slugs for part in ("cert", "key")),
    }
    assert files["ca-cert.pem"] == ca.cert_pem.decode()
    for slug, service in slugs.items():
        pair = files[f"{slug}-cert.pem"].encode(), files[f"{slug}-key.pem"].encode()
        assert checked(ca, *pair) == (service, CLUSTER_ID)


def test_bundle_of_another_namespace_names_its_services(ca: CertificateAuthority) -> None:
    leaf = load_certificates(certificates.bundle(ca, CLUSTER_ID, "acs")["sensor-cert.pem"].encode())[0]
    assert b"sensor.acs" in leaf.public_bytes(Encoding.DER)


def test_typed_set_is_new_each_time(ca: CertificateAuthority) -> None:
    first, second = (certificates.typed_set(ca, CLUSTER_ID, "stackrox") for _ in range(2))
    assert [one.service_type for one in first.service_certs] == [
        ServiceType.Value(name) for name in certificates.SECURED_CLUSTER_SERVICES
    ]
    for old, new in zip(first.service_certs, second.service_certs, strict=True):
        assert old.cert.key_pem != new.cert.key_pem
        assert checked(ca, new.cert.cert_pem, new.cert.key_pem) == (
            ServiceType.Name(new.service_type),
            CLUSTER_ID,
        )


def cluster() -> Cluster:
    made = Cluster(
        id=CLUSTER_ID,
        name='prod "eu": {a}',
        type=ClusterType.OPENSHIFT4_CLUSTER,
        main_image="registry.example/main",
        central_api_endpoint="central.stackrox:443",
        collection_method=CollectionMethod.CORE_BPF,
        labels={"team": "a"},
        admission_controller_fail_on_error=True,
    )
    made.dynamic_config.admission_controller_config.enabled = True
    made.dynamic_config.disable_audit_logs = True
    made.tolerations_config.disabled = True
    return made


def test_zip_holds_values_and_secrets_that_helm_reads(ca: CertificateAuthority) -> None:
    archive = zipfile.ZipFile(io.BytesIO(installation.bundle(ca, cluster())))
    assert archive.testzip() is None
    secrets = yaml.safe_load(archive.read("secrets.yaml"))
    assert secrets["ca"]["cert"] == ca.cert_pem.decode()
    for key, service in (
        ("sensor", "SENSOR"),
        ("collector", "COLLECTOR"),
        ("admissionControl", "ADMISSION_CONTROL"),
    ):
        pair = secrets[key]["serviceTLS"]
        assert checked(ca, pair["cert"].encode(), pair["key"].encode()) == (f"{service}_SERVICE", CLUSTER_ID)
    assert yaml.safe_load(archive.read("values.yaml")) == installation.values(cluster())
    assert 'cluster "prod "eu": {a}"' in archive.read("README").decode()


def test_zip_keeps_private_files_from_others(ca: CertificateAuthority) -> None:
    archive = zipfile.ZipFile(io.BytesIO(installation.bundle(ca, cluster())))
    modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    private = {name for name, mode in modes.items() if mode == 0o600}
    assert private == {"sensor-key.pem", "collector-key.pem", "admission-control-key.pem", "secrets.yaml"}
    assert {modes[name] for name in modes.keys() - private} == {0o644}
    for info in archive.infolist():
        assert (b"PRIVATE KEY" in archive.read(info)) == (info.filename in private)


def test_values_describe_the_cluster() -> None:
    assert installation.values(cluster()) == {
        "clusterName": 'prod "eu": {a}',
        "clusterLabels": {"team": "a"},
        "centralEndpoint": "central.stackrox:443",
        "helmManaged": False,
        "image": {"main": {"fullRef": "registry.example/main"}},
        "registryOverride": "",
        "env": {"openshift": 4},
        "admissionControl": {"enforce": True, "failurePolicy": "Fail", "dynamic": {"disableBypass": False}},
        "collector": {"collectionMethod": "CORE_BPF", "disableTaintTolerations": True},
        "auditLogs": {"disableCollection": True},
    }
    plain = installation.values(Cluster(name="x", collector_image="registry.example/collector"))
    assert plain["env"] == {"openshift": False}
    assert plain["image"] == {"main": {"fullRef": ""}, "collector": {"fullRef": "registry.example/collector"}}
