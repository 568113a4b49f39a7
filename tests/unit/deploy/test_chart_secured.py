"""The chart of the secured cluster: what it installs, under every version and profile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.charts import SECURED, Manifests, Render, different_lines, run_helm, schema_errors
from tests.support.kubernetes_schemas import VERSIONS, kubernetes_errors
from tests.support.pod_security import restricted_breaches

pytestmark = pytest.mark.needs("helm")
NAME = {"clusterName": "prod"}
EVERYTHING: dict[str, Any] = {
    **NAME,
    "scanner": {"disable": False},
    "exposeMonitoring": True,
    "env": {"openshift": True},
    "additionalCAs": {"corp": "PEM"},
    "imagePullSecrets": {"username": "u", "password": "p"},
    "monitoring": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
    "extraManifests": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}}],
}
FOREIGN = ("ServiceMonitor", "PodMonitor", "PrometheusRule")
# What upstream's tools, dashboards and operators look for (objects of upstream's chart 4.11).
UPSTREAM = {
    "Deployment/sensor",
    "Deployment/admission-control",
    "DaemonSet/collector",
    "ValidatingWebhookConfiguration/stackrox",
    "Service/sensor",
    "Service/sensor-webhook",
    "Service/admission-control",
    "ServiceAccount/sensor",
    "ServiceAccount/admission-control",
    "ServiceAccount/collector",
    "NetworkPolicy/sensor",
    "NetworkPolicy/admission-control-no-ingress",
    "NetworkPolicy/collector-no-ingress",
    "ConfigMap/stackrox-secured-cluster-helm",
    "Secret/helm-cluster-config",
    "Secret/helm-effective-cluster-name",
    "ClusterRole/stackrox:view-cluster",
    "ClusterRoleBinding/stackrox:monitor-cluster",
}


@pytest.fixture(scope="module")
def plain() -> Manifests:
    return Render(SECURED, NAME).manifests()


@pytest.fixture(scope="module")
def everything() -> Manifests:
    return Render(SECURED, EVERYTHING).manifests()


def test_plain_install_has_upstreams_objects(plain: Manifests) -> None:
    assert UPSTREAM - plain.keys() == set()


def test_lint_passes() -> None:
    assert "0 chart(s) failed" in run_helm("lint", str(SECURED), "--set", "clusterName=a", "-n", "stackrox")


@pytest.mark.parametrize("version", VERSIONS)
def test_everything_fits_the_schemas_of_kubernetes(everything: Manifests, version: str) -> None:
    assert kubernetes_errors(everything, version, foreign=FOREIGN) == []


def test_same_values_give_the_same_bytes() -> None:
    assert different_lines(Render(SECURED, EVERYTHING)) == []


@pytest.mark.parametrize("path", sorted((SECURED / "ci").glob("*.yaml")), ids=lambda path: path.name)
def test_ready_values_render(path: Path) -> None:
    assert UPSTREAM - Render(SECURED, files=[path]).manifests().keys() == set()


def test_only_collector_breaks_the_restricted_profile(everything: Manifests) -> None:
    breaches = {name: restricted_breaches(pod["spec"]) for name, pod in everything.pods().items()}
    assert {name for name, found in breaches.items() if found} == {"DaemonSet/collector"}


def test_only_collector_of_the_agents_is_privileged(plain: Manifests) -> None:
    containers = plain.pods()["DaemonSet/collector"]["spec"]["containers"]
    contexts = {one["name"]: one["securityContext"] for one in containers}
    assert contexts["collector"]["privileged"] is True
    assert contexts["compliance"]["capabilities"] == {"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]}
    assert contexts["compliance"]["allowPrivilegeEscalation"] is False


def test_pods_without_a_use_for_a_token_get_none(everything: Manifests) -> None:
    mounted = {
        name
        for name, pod in everything.pods().items()
        if pod["spec"].get("automountServiceAccountToken", True)
    }
    jobs = {"Job/stackrox-secured-bootstrap", "Job/stackrox-secured-webhook-ca"}
    assert mounted == {"Deployment/sensor", "Pod/stackrox-secured-test-webhook", *jobs}


def test_tiny_profile_requests_little() -> None:
    pods = Render(SECURED, {**NAME, "profile": "tiny"}).manifests()
    requested = {
        made["metadata"]["name"]: made["spec"].get("replicas", 1)
        * _requested(made["spec"]["template"]["spec"])
        for made in [*pods.of("Deployment"), *pods.of("DaemonSet")]
    }
    # Central's chart takes some 700 of the 1500 that both may have together.
    assert sum(requested.values()) <= 250, requested


def _requested(spec: dict[str, Any]) -> int:
    texts = [one["resources"]["requests"]["cpu"] for one in spec["containers"]]
    return sum(int(text[:-1]) if text.endswith("m") else int(text) * 1000 for text in texts)


def test_plain_install_has_upstreams_requests(plain: Manifests) -> None:
    sensor = plain.pods()["Deployment/sensor"]["spec"]["containers"][0]
    assert sensor["resources"] == {
        "requests": {"cpu": "2", "memory": "4Gi"},
        "limits": {"cpu": "4", "memory": "8Gi"},
    }


def test_resources_are_merged_over_the_profile() -> None:
    values = {**NAME, "profile": "tiny", "sensor": {"resources": {"requests": {"cpu": "7m"}}}}
    sensor = Render(SECURED, values).manifests().pods()["Deployment/sensor"]["spec"]["containers"][0]
    assert sensor["resources"]["requests"] == {"cpu": "7m", "memory": "128Mi"}


def test_sensor_has_upstreams_ports_mounts_and_environment(plain: Manifests) -> None:
    sensor = plain.pods()["Deployment/sensor"]["spec"]["containers"][0]
    assert sensor["command"] == ["kubernetes-sensor"]
    assert {port["name"]: port["containerPort"] for port in sensor["ports"]} == {
        "api": 8443,
        "webhook": 9443,
        "monitoring": 9090,
    }
    assert sensor["readinessProbe"]["httpGet"] == {"scheme": "HTTPS", "path": "/ready", "port": "webhook"}
    mounts = {mount["mountPath"] for mount in sensor["volumeMounts"]}
    secrets = "/run/secrets/stackrox.io"
    assert {
        f"{secrets}/certs/",
        f"{secrets}/certs-legacy/",
        f"{secrets}/certs-new/",
        f"{secrets}/helm-cluster-config/",
        f"{secrets}/helm-effective-cluster-name/",
        "/var/cache/stackrox",
    } <= mounts
    environment = {one["name"]: one.get("value") for one in sensor["env"]}
    assert environment["ROX_CENTRAL_ENDPOINT"] == "central.stackrox.svc:443"
    assert environment["ROX_ADVERTISED_ENDPOINT"] == "sensor.stackrox.svc:443"
    assert environment["ROX_SCANNER_V4_INDEXER_ENDPOINT"] == "scanner-v4-indexer.stackrox.svc:8443"
    assert {"ROX_MEMLIMIT", "GOMAXPROCS", "K8S_NODE_NAME", "POD_NAMESPACE", "POD_NAME"} <= environment.keys()


def test_collector_speaks_to_sensor_and_sees_the_node(plain: Manifests) -> None:
    pod = plain.pods()["DaemonSet/collector"]["spec"]
    collector, compliance = pod["containers"]
    environment = {one["name"]: one.get("value") for one in collector["env"]}
    assert environment["GRPC_SERVER"] == "sensor.stackrox.svc:443"
    assert environment["SNI_HOSTNAME"] == "sensor.stackrox.svc"
    paths = json.loads(environment["COLLECTOR_CONFIG"] or "")["tlsConfig"]
    assert set(paths) == {"caCertPath", "clientCertPath", "clientKeyPath"}
    seen = {
        mount["mountPath"] for mount in collector["volumeMounts"] if mount["mountPath"].startswith("/host")
    }
    assert seen == {"/host/proc", "/host/etc", "/host/usr/lib", "/host/sys", "/host/dev"}
    host = [mount for mount in compliance["volumeMounts"] if mount["mountPath"] == "/host"]
    assert host[0]["readOnly"] is True
    assert pod["tolerations"] == [{"operator": "Exists"}]


def test_no_collection_leaves_compliance_alone() -> None:
    values = {**NAME, "collector": {"collectionMethod": "NO_COLLECTION", "disableTaintTolerations": True}}
    pod = Render(SECURED, values).manifests().pods()["DaemonSet/collector"]["spec"]
    assert [one["name"] for one in pod["containers"]] == ["compliance"]
    assert "tolerations" not in pod


def test_agents_run_on_linux_nodes_only() -> None:
    values = {**NAME, "collector": {"nodeSelector": "pool: agents"}}
    pod = Render(SECURED, values).manifests().pods()["DaemonSet/collector"]["spec"]
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux", "pool": "agents"}


def test_customization_reaches_pods_and_one_container() -> None:
    custom = {
        "podAnnotations": {"a": "1"},
        "envVars": {"LOGLEVEL": "debug", "/compliance": {"LOGLEVEL": "warn"}},
        "collector": {"podLabels": {"team": "x"}},
    }
    pods = Render(SECURED, {**NAME, "customize": custom}).manifests().pods()
    assert pods["Deployment/sensor"]["metadata"]["annotations"]["a"] == "1"
    collector = pods["DaemonSet/collector"]
    assert collector["metadata"]["labels"]["team"] == "x"
    levels = {
        one["name"]: [item["value"] for item in one["env"] if item["name"] == "LOGLEVEL"]
        for one in collector["spec"]["containers"]
    }
    assert levels == {"collector": ["debug"], "compliance": ["warn"]}


def test_images_take_registry_tag_digest_and_full_reference() -> None:
    images = {"registry": "quay.io/acme", "tag": "1.2", "collector": {"fullRef": "r.io/c:9"}}
    digest = "sha256:" + "0" * 64
    pods = Render(SECURED, {**NAME, "image": {**images, "main": {"digest": digest}}}).manifests().pods()
    collector, compliance = pods["DaemonSet/collector"]["spec"]["containers"]
    assert (collector["image"], compliance["image"]) == ("r.io/c:9", f"quay.io/acme/main@{digest}")


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ({"sensro": {}}, 'did you mean "sensor"?'),
        ({"admissionControl": {"replica": 2}}, 'did you mean "replicas"?'),
        ({"collector": {"collectionmethod": "CORE_BPF"}}, 'did you mean "collectionMethod"?'),
    ],
)
def test_misspelt_value_is_refused_with_the_nearest(values: dict[str, Any], hint: str) -> None:
    assert hint in Render(SECURED, {**NAME, **values}).refusal()


@pytest.mark.parametrize(
    "empty",
    [
        dict.fromkeys(("sensor", "collector", "admissionControl", "scannerV4", "env", "network")),
        dict.fromkeys(("image", "meta", "monitoring", "bootstrap", "customize", "profiles", "ca", "crs")),
        {"sensor": {"rbac": None}, "admissionControl": {"dynamic": None}, "scannerV4": {"db": None}},
    ],
    ids=["sections", "more sections", "below"],
)
def test_value_that_is_left_empty_has_its_default(plain: Manifests, empty: dict[str, Any]) -> None:
    assert Render(SECURED, {**NAME, **empty}).text() == plain.text


def test_schema_alone_refuses_what_is_unknown() -> None:
    assert schema_errors(SECURED, {**NAME, "sensor": {"resources": {}}}) == []
    assert schema_errors(SECURED, {**NAME, "sensor": {"colour": "red"}}) != []


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"clusterName": ""}, "No cluster name specified"),
        ({"confirmNewClusterName": "other"}, "both must be the new name"),
        ({"sensor": {"serviceTLS": {"cert": "PEM"}}}, "sensor.serviceTLS is incomplete"),
        ({"createSecrets": True}, "createSecrets=true needs an init bundle"),
        ({"auditLogs": {"disableCollection": False}}, "needs OpenShift 4"),
        ({"crs": {"file": "kind: Secret\n"}}, "is not a cluster registration secret"),
        ({"imagePullSecrets": {"username": "u"}}, "without imagePullSecrets.password"),
        (
            {"scannerV4": {"db": {"persistence": {"none": True, "hostPath": "/x"}}}},
            "set one of none, hostPath",
        ),
    ],
)
def test_contradicting_values_are_refused(values: dict[str, Any], why: str) -> None:
    assert why in Render(SECURED, {**NAME, **values}).refusal()


def test_other_namespace_is_refused_unless_allowed() -> None:
    assert 'namespace "acme"' in Render(SECURED, NAME, namespace="acme").refusal()
    allowed = Render(SECURED, {**NAME, "allowNonstandardNamespace": True}, namespace="acme").manifests()
    roles = allowed.names("ClusterRole")
    assert "stackrox-acme:view-cluster" in roles
    assert not [name for name in roles if name.startswith("stackrox:")]
    # One cluster has one webhook configuration, whatever the namespace.
    assert set(allowed.names("ValidatingWebhookConfiguration")) == {"stackrox"}


def test_notes_name_what_has_no_effect() -> None:
    notes = Render(SECURED, {**NAME, "admissionControl": {"dynamic": {"timeout": 3}}}).notes()
    assert "without effect, see values.yaml: admissionControl.dynamic.timeout" in notes
    assert "Cluster: prod" in " ".join(notes.split())


def test_uninstall_keeps_certificates_passwords_and_data(everything: Manifests) -> None:
    kept = {
        f"{made['kind']}/{made['metadata']['name']}"
        for made in everything
        if made["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }
    assert kept == {"PersistentVolumeClaim/scanner-v4-db"}


def test_hooks_of_the_charts_tests_are_pods(plain: Manifests) -> None:
    kinds = {
        made["kind"]
        for made in plain
        if made["metadata"].get("annotations", {}).get("helm.sh/hook") == "test"
    }
    assert kinds == {"Pod"}


def test_hooks_clean_up_after_themselves(everything: Manifests) -> None:
    hooks = [made for made in everything if "helm.sh/hook" in made["metadata"].get("annotations", {})]
    policies = [made["metadata"]["annotations"]["helm.sh/hook-delete-policy"].split(",") for made in hooks]
    assert len(hooks) > 5
    assert [one for one in policies if not {"before-hook-creation", "hook-succeeded"} <= set(one)] == []
