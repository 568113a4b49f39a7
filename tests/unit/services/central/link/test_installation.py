"""Certificates for a cluster: as a bundle, as a message, as the zip that installs it."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_certificates, load_key
from pyrox.pb.storage.cluster_pb2 import Cluster, ClusterType, CollectionMethod
from pyrox.pb.storage.service_identity_pb2 import ServiceType
from services.central.charts import SECURED, Charts
from services.central.clusters import defaults
from services.central.link import certificates, installation
from tests.support import charts
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


CHART = {"Chart.yaml": b"name: x", "templates/a.yaml": b"{{ .Values.a }}"}
MANIFESTS = {
    "sensor": "sensor-secret.yaml",
    "collector": "collector-secret.yaml",
    "admission-control": "admission-controller-secret.yaml",
}
KEYS = {"sensor": "sensor", "collector": "collector", "admission-control": "admissionControl"}


def bundle(ca: CertificateAuthority) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(installation.bundle(ca, cluster(), CHART)))


def test_zip_holds_values_and_secrets_that_helm_reads(ca: CertificateAuthority) -> None:
    archive = bundle(ca)
    assert archive.testzip() is None
    secrets = yaml.safe_load(archive.read("secrets.yaml"))
    assert secrets["ca"]["cert"] == ca.cert_pem.decode()
    for slug, key in KEYS.items():
        pair = secrets[key]["serviceTLS"]
        service = f"{slug.replace('-', '_').upper()}_SERVICE"
        assert checked(ca, pair["cert"].encode(), pair["key"].encode()) == (service, CLUSTER_ID)
    assert yaml.safe_load(archive.read("values.yaml")) == installation.values(cluster())
    assert 'cluster "prod "eu": {a}"' in archive.read("README").decode()


def test_zip_holds_the_chart(ca: CertificateAuthority) -> None:
    archive = bundle(ca)
    found = {name: archive.read(name) for name in archive.namelist() if name.startswith("chart/")}
    assert found == {f"chart/{name}": content for name, content in CHART.items()}


@pytest.mark.parametrize(("slug", "manifest"), MANIFESTS.items())
def test_zip_holds_the_secrets_that_pods_mount(ca: CertificateAuthority, slug: str, manifest: str) -> None:
    archive = bundle(ca)
    secret = yaml.safe_load(archive.read(manifest))
    assert (secret["kind"], secret["metadata"]["name"], secret["metadata"]["namespace"]) == (
        "Secret", f"{slug}-tls", "stackrox",
    )  # fmt: skip
    assert secret["metadata"]["labels"]["auto-upgrade.stackrox.io/component"] == "sensor"
    names = ("ca.pem", f"{slug}-cert.pem", f"{slug}-key.pem")
    # The same three files lie beside the manifest, as in upstream's bundle.
    assert secret["stringData"] == {name: archive.read(name).decode() for name in names}


def test_zip_installs_by_a_script_that_names_its_own_files(ca: CertificateAuthority) -> None:
    archive = bundle(ca)
    script = archive.read("sensor.sh").decode()
    assert script.startswith("#!/bin/sh\n")
    assert f"for file in {' '.join(MANIFESTS.values())}; do" in script
    assert "{{" not in script
    assert "helm upgrade --install -n stackrox stackrox-secured-cluster-services ./chart" in script
    checked_by_shell = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False)
    assert (checked_by_shell.returncode, checked_by_shell.stderr) == (0, "")


def test_zip_keeps_private_files_from_others(ca: CertificateAuthority) -> None:
    archive = bundle(ca)
    modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    private = {name for name, mode in modes.items() if mode == 0o600}
    assert private == {*(f"{slug}-key.pem" for slug in MANIFESTS), *MANIFESTS.values(), "secrets.yaml"}
    assert modes.pop("sensor.sh") == 0o755
    assert {modes[name] for name in modes.keys() - private} == {0o644}
    for info in archive.infolist():
        assert (b"PRIVATE KEY" in archive.read(info)) == (info.filename in private)


def test_values_describe_the_cluster() -> None:
    assert installation.values(cluster()) == {
        "clusterName": 'prod "eu": {a}',
        "clusterLabels": {"team": "a"},
        "centralEndpoint": "central.stackrox:443",
        "helmManaged": False,
        "image": {"main": {"registry": "registry.example", "name": "main"}},
        "registryOverride": "",
        "env": {"openshift": 4},
        "admissionControl": {"enforce": True, "failurePolicy": "Fail", "dynamic": {"disableBypass": False}},
        "collector": {"collectionMethod": "CORE_BPF", "disableTaintTolerations": True},
        "auditLogs": {"disableCollection": True},
        "autoLockProcessBaselines": {"enabled": False},
    }


def test_values_of_a_plain_cluster_are_those_that_the_chart_takes() -> None:
    plain = installation.values(Cluster(name="x"))
    assert plain["env"] == {"openshift": False}
    assert plain["collector"] == {"collectionMethod": "CORE_BPF", "disableTaintTolerations": False}
    assert plain["auditLogs"] == {"disableCollection": True}


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("", {}),
        (defaults.MAIN_IMAGE, {}),
        ("main", {"main": {"name": "main"}}),
        ("host:5000/a/main", {"main": {"registry": "host:5000/a", "name": "main"}}),
        ("host:5000/a/main:1.2", {"main": {"fullRef": "host:5000/a/main:1.2"}}),
        (f"a/main@sha256:{'0' * 64}", {"main": {"fullRef": f"a/main@sha256:{'0' * 64}"}}),
    ],
)
def test_values_name_only_images_that_somebody_chose(name: str, image: dict[str, object]) -> None:
    assert installation.values(Cluster(main_image=name))["image"] == image


@pytest.mark.needs("helm")
@pytest.mark.parametrize("kind", [ClusterType.KUBERNETES_CLUSTER, ClusterType.OPENSHIFT4_CLUSTER])
def test_zip_renders_in_both_ways_of_its_readme(ca: CertificateAuthority, tmp_path: Path, kind: int) -> None:
    made = cluster()
    made.type = kind  # type: ignore[assignment]  # the stub has the enum, the parameter its number
    chart = Charts.installed().files(SECURED)
    with zipfile.ZipFile(io.BytesIO(installation.bundle(ca, made, chart))) as archive:
        archive.extractall(tmp_path)
    words = ("template", "stackrox-secured-cluster-services", str(tmp_path / "chart"), "-n", "stackrox",
             "--no-hooks", "-f", str(tmp_path / "values.yaml"))  # fmt: skip
    by_helm = charts.run_helm(*words, "-f", str(tmp_path / "secrets.yaml"))
    by_script = charts.run_helm(*words, "--set-file", f"ca.cert={tmp_path / 'ca.pem'}")
    assert secret_names(by_helm) - secret_names(by_script) == {f"{slug}-tls" for slug in MANIFESTS}
    assert "service-ca" in secret_names(by_script)
    assert "PRIVATE KEY" not in by_script


def secret_names(text: str) -> set[str]:
    found = [one for one in yaml.safe_load_all(text) if one and one["kind"] == "Secret"]
    return {one["metadata"]["name"] for one in found}
