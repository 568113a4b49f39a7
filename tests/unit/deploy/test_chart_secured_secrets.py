"""How a secured cluster gets its certificates, its configuration and its password, by chart."""

from __future__ import annotations

import base64
import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyrox.mtls import bundle
from pyrox.mtls.ca import CertificateAuthority
from pyrox.pb.storage.cluster_pb2 import CollectionMethod, ManagerType
from services.bootstrap import config as bootstrap
from services.sensor.link.helm import load_config
from tests.support.charts import SECURED, Manifests, Object, Render
from tests.support.pki import FixedClock

pytestmark = pytest.mark.needs("helm")
NAME = {"clusterName": "prod"}
SERVICES = {"sensor": "sensor", "collector": "collector", "admissionControl": "admission-control"}


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority.create(clock=FixedClock(), random_bits=random.Random(4).getrandbits)


@pytest.fixture(scope="module")
def init_bundle(authority: CertificateAuthority) -> bundle.InitBundle:
    return bundle.init_bundle(authority, bundle_id="b", name="b", created_at=FixedClock().now())


@pytest.fixture(scope="module")
def values(init_bundle: bundle.InitBundle) -> dict[str, Any]:
    return {**NAME, **yaml.safe_load(init_bundle.helm_values)}


@pytest.fixture(scope="module")
def crs(authority: CertificateAuthority) -> str:
    made = bundle.registration(
        authority, crs_id="c", name="c", created_at=FixedClock().now(), lifetime=timedelta(days=1)
    )
    return made.manifest.decode()


@pytest.fixture(scope="module")
def bundled(values: dict[str, Any]) -> Manifests:
    return Render(SECURED, values).manifests()


@pytest.fixture(scope="module")
def registered(crs: str) -> Manifests:
    return Render(SECURED, {**NAME, "crs": {"file": crs}}).manifests()


@pytest.fixture(scope="module")
def bare() -> Manifests:
    return Render(SECURED, NAME).manifests()


def data(secret: Object) -> dict[str, str]:
    """Contents of a rendered secret."""
    decoded = {key: base64.b64decode(text).decode() for key, text in secret.get("data", {}).items()}
    return {**decoded, **secret.get("stringData", {})}


def ca_bundles(made: Manifests) -> set[str]:
    hooks = made.get("ValidatingWebhookConfiguration", "stackrox")["webhooks"]
    return {hook["clientConfig"].get("caBundle", "") for hook in hooks}


@pytest.mark.parametrize(("key", "service"), SERVICES.items())
def test_init_bundle_becomes_upstreams_secret(
    bundled: Manifests, values: dict[str, Any], key: str, service: str
) -> None:
    secret = bundled.get("Secret", f"{service}-tls")
    assert data(secret) == {
        "ca.pem": values["ca"]["cert"],
        f"{service}-cert.pem": values[key]["serviceTLS"]["cert"],
        f"{service}-key.pem": values[key]["serviceTLS"]["key"],
    }
    assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert secret["metadata"]["labels"]["rhacs.redhat.com/tls"] == "true"


def test_values_and_kubectl_form_of_one_bundle_are_the_same_secrets(
    bundled: Manifests, init_bundle: bundle.InitBundle
) -> None:
    applied = {one["metadata"]["name"]: one["stringData"] for one in yaml.safe_load_all(init_bundle.kubectl)}
    assert {name: data(bundled.get("Secret", name)) for name in applied} == applied


def test_init_bundle_gives_the_webhook_its_ca(bundled: Manifests, authority: CertificateAuthority) -> None:
    assert ca_bundles(bundled) == {base64.b64encode(authority.cert_pem).decode()}
    assert data(bundled.get("Secret", "service-ca")) == {"ca.pem": authority.cert_pem.decode()}
    assert bundled.of("Job") == []


def test_registration_secret_is_mounted_by_the_container_that_uses_it(
    registered: Manifests, crs: str, authority: CertificateAuthority
) -> None:
    secret = registered.get("Secret", "cluster-registration-secret")
    assert secret["data"]["crs"] == yaml.safe_load(crs)["data"]["crs"]
    assert bundle.read_crs(data(secret)["crs"].encode()).authorities == (authority.cert_pem.decode(),)
    first = registered.pods()["Deployment/sensor"]["spec"]["initContainers"][0]
    assert (first["command"], first["args"]) == (["kubernetes-sensor"], ["ensure-service-certificates"])
    environment = {one["name"]: one for one in first["env"]}
    assert environment["ROX_CRS_FILE"]["value"] == "/run/secrets/stackrox.io/crs/crs"
    legacy = environment["ROX_LEGACY_SENSOR_SERVICE_CERT"]["valueFrom"]["secretKeyRef"]
    assert legacy == {"name": "sensor-tls", "key": "sensor-cert.pem", "optional": True}


def test_registration_secret_gives_the_webhook_its_ca(
    registered: Manifests, authority: CertificateAuthority
) -> None:
    assert ca_bundles(registered) == {base64.b64encode(authority.cert_pem).decode()}
    assert registered.of("Job") == []


def test_after_a_registration_pods_wait_for_their_certificates(registered: Manifests) -> None:
    pods = registered.pods()
    optional = {
        name: [
            one["secret"]["optional"] for one in pods[name]["spec"]["volumes"] if one["name"] == "certs-new"
        ]
        for name in ("Deployment/sensor", "Deployment/admission-control", "DaemonSet/collector")
    }
    # The kubelet tries a missing mount again within seconds, a changed one within a minute.
    assert optional == {
        "Deployment/sensor": [True],
        "Deployment/admission-control": [False],
        "DaemonSet/collector": [False],
    }


def test_bundle_and_registration_secret_together_are_refused(values: dict[str, Any], crs: str) -> None:
    assert "Both an init bundle" in Render(SECURED, {**values, "crs": {"file": crs}}).refusal()
    manual = {**NAME, "helmManaged": False, "crs": {"file": crs}}
    assert "needs helmManaged=true" in Render(SECURED, manual).refusal()


def test_without_certificates_the_chart_waits_for_secrets_applied_by_hand(bare: Manifests) -> None:
    assert [name for name in bare.names("Secret") if name.endswith("-tls")] == []
    volumes = {one["name"]: one for one in bare.pods()["Deployment/admission-control"]["spec"]["volumes"]}
    assert volumes["certs-legacy"]["secret"]["secretName"] == "admission-control-tls"
    assert volumes["certs-new"]["secret"]["secretName"] == "tls-cert-admission-control"
    assert volumes["certs-legacy"]["secret"]["optional"] is volumes["certs-new"]["secret"]["optional"] is True


def test_create_secrets_false_leaves_the_bundle_out(values: dict[str, Any]) -> None:
    made = Render(SECURED, {**values, "createSecrets": False}).manifests()
    assert made.find("Secret", "sensor-tls") is None
    assert ca_bundles(made) != {""}


def test_unknown_ca_is_set_after_the_install(bare: Manifests) -> None:
    assert ca_bundles(bare) == {""}
    job = bare.get("Job", "stackrox-secured-webhook-ca")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "post-install,post-upgrade"
    read = bootstrap.load(job["spec"]["template"]["spec"]["containers"][0]["args"], {})
    assert (read.webhook, read.wanted, read.namespace) == ("stackrox", (), "stackrox")
    rules = bare.get("ClusterRole", "stackrox:secured-bootstrap")["rules"]
    assert [(rule["resourceNames"], rule["verbs"]) for rule in rules] == [(["stackrox"], ["get", "patch"])]


def test_password_of_the_local_scanner_is_drawn_before_the_install() -> None:
    made = Render(SECURED, {**NAME, "scanner": {"disable": False}}).manifests()
    job = made.get("Job", "stackrox-secured-bootstrap")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    read = bootstrap.load(job["spec"]["template"]["spec"]["containers"][0]["args"], {})
    assert [one.name for one in read.wanted] == ["scanner-v4-db-password"]
    assert made.find("Secret", "scanner-v4-db-password") is None


def test_password_from_elsewhere_needs_no_job(values: dict[str, Any]) -> None:
    db = {"db": {"password": {"existingSecret": "mine"}}}
    made = Render(SECURED, {**values, "scanner": {"disable": False}, "scannerV4": db}).manifests()
    assert made.of("Job") == []
    volumes = made.pods()["Deployment/scanner-v4-db"]["spec"]["volumes"]
    assert [one["secret"]["secretName"] for one in volumes if one["name"].endswith("-password")] == ["mine"]


def test_sensor_reads_the_clusters_configuration(tmp_path: Path) -> None:
    chosen: dict[str, Any] = {
        **NAME,
        "clusterLabels": {"env": "prod"},
        "centralEndpoint": "https://central.example.com",
        "registryOverride": "mirror.example.com",
        "admissionControl": {"failurePolicy": "Fail", "dynamic": {"disableBypass": True}},
        "collector": {"disableTaintTolerations": True},
        "processIndicators": {"noPersistence": True, "excludeNamespaceFilter": "^ci-"},
        "image": {"registry": "r.example.com:5000/x", "tag": "7"},
    }
    made = Render(SECURED, chosen).manifests()
    config, name = tmp_path / "config.yaml", tmp_path / "cluster-name"
    config.write_text(data(made.get("Secret", "helm-cluster-config"))["config.yaml"])
    name.write_text(data(made.get("Secret", "helm-effective-cluster-name"))["cluster-name"])
    read = load_config(config, name)
    assert read is not None
    assert name.read_text() == read.cluster_name == "prod"
    assert read.managed_by == ManagerType.MANAGER_TYPE_HELM_CHART
    assert dict(read.cluster_config.cluster_labels) == {"env": "prod"}
    static, dynamic = read.cluster_config.static_config, read.cluster_config.dynamic_config
    assert static.main_image == "r.example.com:5000/x/main"
    assert static.collector_image == "r.example.com:5000/x/collector"
    assert static.central_api_endpoint == "https://central.example.com:443"
    assert static.collection_method == CollectionMethod.CORE_BPF
    assert static.admission_controller_fail_on_error
    assert static.tolerations_config.disabled
    admission = dynamic.admission_controller_config
    assert (admission.enabled, admission.enforce_on_updates, admission.scan_inline) == (True, True, True)
    assert (admission.timeout_seconds, admission.disable_bypass) == (10, True)
    assert dynamic.registry_override == "mirror.example.com"
    assert dynamic.disable_audit_logs
    assert dynamic.process_indicators.exclude_namespace_filter == "^ci-"


def fingerprint(values: dict[str, Any]) -> str:
    made = Render(SECURED, values).manifests()
    config = yaml.safe_load(data(made.get("Secret", "helm-cluster-config"))["config.yaml"])
    environment = made.pods()["Deployment/sensor"]["spec"]["containers"][0]["env"]
    said = [one["value"] for one in environment if one["name"] == "ROX_HELM_CLUSTER_CONFIG_FP"]
    assert said == [config["clusterConfig"]["configFingerprint"]]
    return str(said[0])


def test_fingerprint_follows_the_configuration_and_not_the_certificates(values: dict[str, Any]) -> None:
    assert fingerprint(values) == fingerprint(NAME)
    assert fingerprint({**NAME, "registryOverride": "x"}) != fingerprint(NAME)
    assert fingerprint({**NAME, "meta": {"configFingerprintOverride": "mine"}}) == "mine"


def test_cluster_managed_in_central_gets_no_configuration() -> None:
    made = Render(SECURED, {"helmManaged": False}).manifests()
    assert made.find("Secret", "helm-cluster-config") is None
    assert "initContainers" not in made.pods()["Deployment/sensor"]["spec"]


def test_pull_secret_covers_every_registry() -> None:
    chosen = {
        **NAME,
        "imagePullSecrets": {"username": "u", "password": "p", "useExisting": "a, b"},
        "mainImagePullSecrets": {"useExisting": ["b", "c"]},
        "image": {"registry": "quay.io/x", "collector": {"registry": "docker.io/y"}},
    }
    made = Render(SECURED, chosen).manifests()
    secret = data(made.get("Secret", "secured-cluster-services-main"))[".dockerconfigjson"]
    assert set(json.loads(secret)["auths"]) == {"quay.io", "https://index.docker.io/v1/"}
    names = [one["name"] for one in made.get("ServiceAccount", "sensor")["imagePullSecrets"]]
    assert names == ["secured-cluster-services-main", "a", "b", "c"]
    # Hooks run before the chart's own secrets are there.
    early = [
        one["name"] for one in made.get("ServiceAccount", "stackrox-secured-bootstrap")["imagePullSecrets"]
    ]
    assert early == ["stackrox-secured-bootstrap", "a", "b", "c"]


def test_additional_cas_are_numbered_files() -> None:
    made = Render(SECURED, {**NAME, "additionalCAs": {"b": "PEM-B", "a.crt": "PEM-A"}}).manifests()
    assert data(made.get("Secret", "additional-ca-sensor")) == {"00-a.crt": "PEM-A", "01-b.crt": "PEM-B"}
