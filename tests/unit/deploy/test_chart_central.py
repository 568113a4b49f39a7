"""The central chart's objects: names, ports, mounts and environment that tools rely on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.charts import CENTRAL, Manifests, Render, different_lines
from tests.support.kubernetes_schemas import VERSIONS, kubernetes_errors

pytestmark = pytest.mark.needs("helm")

FOREIGN = (
    "BackendTLSPolicy", "Certificate", "ExternalSecret", "HTTPRoute", "PrometheusRule", "Route",
    "ServiceMonitor", "TLSRoute",
)  # fmt: skip
EVERYTHING: dict[str, Any] = {
    "central": {
        "exposeMonitoring": True,
        "exposure": {
            "loadBalancer": {"enabled": True},
            "nodePort": {"enabled": True},
            "route": {"enabled": True, "reencrypt": {"enabled": True}},
            "ingress": {"enabled": True, "host": "central.example.com"},
            "gateway": {"enabled": True, "hostnames": ["c.example.com"], "parentRefs": [{"name": "public"}]},
        },
        "podDisruptionBudget": {"enabled": True},
        "db": {"podDisruptionBudget": {"enabled": True}},
        "notifierSecretsEncryption": {"enabled": True},
        "declarativeConfiguration": {"mounts": {"configMaps": ["roles"], "secrets": ["logins"]}},
        "defaultTLS": {"cert": "cert", "key": "key"},
    },
    "scannerV4": {"exposeMonitoring": True},
    "monitoring": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "grafanaDashboard": {"enabled": True},
    },
    "additionalCAs": {"company": "pem"},
    "licenseKey": "license",
    "env": {"proxyConfig": {"url": "http://proxy:3128"}, "openshift": True},
    "imagePullSecrets": {"username": "user", "password": "secret"},
}


@pytest.fixture(scope="module")
def plain() -> Manifests:
    return Render(CENTRAL).manifests()


@pytest.fixture(scope="module")
def everything() -> Manifests:
    return Render(CENTRAL, EVERYTHING).manifests()


def container(manifests: Manifests, workload: str, name: str) -> dict[str, Any]:
    spec = manifests.get("Deployment", workload)["spec"]["template"]["spec"]
    found: dict[str, Any] = next(
        one for one in (*spec["containers"], *spec.get("initContainers", [])) if one["name"] == name
    )
    return found


def environment(one: dict[str, Any]) -> dict[str, Any]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in one["env"]}


def mounts(manifests: Manifests, workload: str, name: str) -> dict[str, str]:
    """Mount path (without a slash at its end) to the secret, ConfigMap or claim behind it."""
    spec = manifests.get("Deployment", workload)["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    found = {}
    for mount in container(manifests, workload, name)["volumeMounts"]:
        volume = volumes[mount["name"]]
        source = volume.get("secret", {}).get("secretName") or volume.get("configMap", {}).get("name")
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        found[mount["mountPath"].rstrip("/")] = source or claim or "empty"
    return found


def test_defaults_make_upstreams_objects(plain: Manifests) -> None:
    assert plain.names("Deployment") == [
        "central", "central-db", "config-controller", "scanner-v4-db", "scanner-v4-indexer",
        "scanner-v4-matcher",
    ]  # fmt: skip
    assert plain.names("ConfigMap") == [
        "central-config", "central-db-config", "central-endpoints", "central-external-db",
        "scanner-v4-db-config", "scanner-v4-indexer-config", "scanner-v4-matcher-config",
        "stackrox-central-helm",
    ]  # fmt: skip
    assert plain.names("PersistentVolumeClaim") == ["central-db", "scanner-v4-db"]
    assert plain.names("HorizontalPodAutoscaler") == ["scanner-v4-indexer", "scanner-v4-matcher"]
    assert plain.names("Secret") == []
    assert plain.names("CustomResourceDefinition") == ["securitypolicies.config.stackrox.io"]


@pytest.mark.parametrize(
    ("service", "port", "headless"),
    [
        ("central", 443, False),
        ("central-db", 5432, False),
        ("scanner-v4-indexer", 8443, True),
        ("scanner-v4-matcher", 8443, True),
        ("scanner-v4-db", 5432, False),
    ],
)
def test_service_has_upstreams_port(plain: Manifests, service: str, port: int, headless: bool) -> None:
    spec = plain.get("Service", service)["spec"]
    assert [one["port"] for one in spec["ports"]] == [port]
    assert (spec.get("clusterIP") == "None") is headless
    assert spec["selector"] == {"app": service}


@pytest.mark.parametrize(
    "workload",
    [
        "central",
        "central-db",
        "config-controller",
        "scanner-v4-indexer",
        "scanner-v4-matcher",
        "scanner-v4-db",
    ],
)
def test_workload_is_selected_by_its_app_label(plain: Manifests, workload: str) -> None:
    made = plain.get("Deployment", workload)
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert made["spec"]["selector"]["matchLabels"] == {"app": workload}
    assert labels["app"] == workload
    assert labels["app.kubernetes.io/part-of"] == "stackrox-central-services"
    assert labels["sidecar.istio.io/inject"] == "false"


def test_central_reads_upstreams_paths(plain: Manifests) -> None:
    secrets = "/run/secrets/stackrox.io"
    assert mounts(plain, "central", "central") == {
        f"{secrets}/certs": "central-tls",
        f"{secrets}/jwt": "central-tls",
        f"{secrets}/htpasswd": "central-htpasswd",
        f"{secrets}/default-tls-cert": "central-default-tls-cert",
        f"{secrets}/central-license": "central-license",
        f"{secrets}/proxy-config": "proxy-config",
        f"{secrets}/db-password": "central-db-password",
        "/usr/local/share/ca-certificates": "additional-ca",
        "/etc/stackrox": "central-config",
        "/etc/stackrox.d/endpoints": "central-endpoints",
        "/etc/ext-db": "central-external-db",
        "/var/log/stackrox": "empty",
        "/tmp": "empty",
        "/etc/ssl": "empty",
        "/etc/pki/ca-trust": "empty",
        "/stackrox-data/uploads": "empty",
    }


def test_central_has_upstreams_environment(plain: Manifests) -> None:
    found = environment(container(plain, "central", "central"))
    assert found["ROX_MEMLIMIT"] == {"resourceFieldRef": {"resource": "limits.memory"}}
    assert found["POD_NAMESPACE"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}
    assert found["ROX_INSTALL_METHOD"] == "helm"
    assert found["ROX_OFFLINE_MODE"] == "false"
    assert found["ROX_SCANNER_V4"] == "true"
    assert found["ROX_SCANNER_V4_INDEXER_ENDPOINT"] == "scanner-v4-indexer.stackrox.svc:8443"
    assert found["ROX_SCANNER_V4_MATCHER_ENDPOINT"] == "scanner-v4-matcher.stackrox.svc:8443"


@pytest.mark.parametrize("values", [{"telemetry": {"enabled": False}}, {"disableTelemetry": True}])
def test_central_without_telemetry_is_told_so(values: dict[str, Any]) -> None:
    made = Render(CENTRAL, {"central": values}).manifests()
    assert environment(container(made, "central", "central"))["ROX_TELEMETRY_STORAGE_KEY_V1"] == "DISABLED"


def test_central_probes_ask_the_api(plain: Manifests) -> None:
    one = container(plain, "central", "central")
    wanted = {"scheme": "HTTPS", "path": "/v1/ping", "port": 8443}
    assert [one[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")] == [wanted] * 3


def test_probe_that_is_false_is_left_out_and_a_field_is_replaced() -> None:
    values = {"central": {"probes": {"liveness": False, "readiness": {"periodSeconds": 3}}}}
    one = container(Render(CENTRAL, values).manifests(), "central", "central")
    assert "livenessProbe" not in one
    assert one["readinessProbe"]["periodSeconds"] == 3
    assert one["readinessProbe"]["httpGet"]["path"] == "/v1/ping"


@pytest.mark.parametrize(("workload", "name"), [("central-db", "central-db"), ("scanner-v4-db", "db")])
def test_database_has_init_container_watcher_and_shared_processes(
    plain: Manifests, workload: str, name: str
) -> None:
    spec = plain.get("Deployment", workload)["spec"]["template"]["spec"]
    assert [one["name"] for one in spec["initContainers"]] == ["init-db"]
    assert [one["name"] for one in spec["containers"]] == [name, "cert-watcher"]
    assert spec["shareProcessNamespace"] is True
    assert spec["terminationGracePeriodSeconds"] == 120
    assert mounts(plain, workload, name)["/var/lib/postgresql/data"] == workload
    assert environment(container(plain, workload, name))["PGDATA"] == "/var/lib/postgresql/data/pgdata"


def test_database_key_is_readable_by_its_group_alone(plain: Manifests) -> None:
    volumes = plain.get("Deployment", "central-db")["spec"]["template"]["spec"]["volumes"]
    items = next(one for one in volumes if one["name"] == "central-db-tls-volume")["secret"]["items"]
    assert {one["path"]: oct(one["mode"]) for one in items} == {
        "server.crt": "0o640", "server.key": "0o640", "root.crt": "0o640",
    }  # fmt: skip


@pytest.mark.parametrize(("namespace", "mode"), [("stackrox", "verify-full"), ("security", "verify-ca")])
def test_database_source_verifies_by_namespace(namespace: str, mode: str) -> None:
    made = Render(CENTRAL, {"allowNonstandardNamespace": True}, namespace=namespace).manifests()
    text = made.get("ConfigMap", "central-external-db")["data"]["central-external-db.yaml"]
    assert f"host=central-db.{namespace}.svc port=5432 user=postgres sslmode={mode}" in text
    assert "statement_timeout=1200000" in text


def test_external_database_brings_no_database(plain: Manifests) -> None:
    source = "host=db.example port=5432 user=central dbname=central sslmode=verify-full"
    values = {
        "central": {
            "db": {
                "external": True,
                "source": {"connectionString": source},
                "password": {"existingSecret": "login"},
            }
        }
    }
    made = Render(CENTRAL, values).manifests()
    assert plain.keys() - made.keys() == {
        "ConfigMap/central-db-config", "Deployment/central-db", "NetworkPolicy/central-db",
        "PersistentVolumeClaim/central-db", "Pod/central-test-database", "Service/central-db",
        "ServiceAccount/central-db",
    }  # fmt: skip
    text = made.get("ConfigMap", "central-external-db")["data"]["central-external-db.yaml"]
    assert "external: true" in text
    assert source in text
    assert mounts(made, "central", "central")["/run/secrets/stackrox.io/db-password"] == "login"


def test_scanner_that_is_disabled_leaves_nothing_of_it() -> None:
    made = Render(CENTRAL, {"scannerV4": {"disable": True}}).manifests()
    assert [key for key in sorted(made.keys()) if "scanner" in key] == []
    assert environment(container(made, "central", "central"))["ROX_SCANNER_V4"] == "false"


def test_resources_of_the_user_are_merged_over_the_profile() -> None:
    values = {"profile": "tiny", "central": {"resources": {"limits": {"memory": "3Gi"}}}}
    found = container(Render(CENTRAL, values).manifests(), "central", "central")["resources"]
    assert found == {
        "requests": {"cpu": "200m", "memory": "256Mi"},
        "limits": {"cpu": "2", "memory": "3Gi"},
    }


@pytest.mark.parametrize("profile", ["", "tiny", "small", "medium", "large"])
def test_profile_gives_every_container_requests_and_limits(profile: str) -> None:
    made = Render(CENTRAL, {"profile": profile}).manifests()
    bare = [
        (name, one["name"])
        for name, pod in made.pods().items()
        for one in pod["spec"]["containers"]
        if not {"requests", "limits"} <= one["resources"].keys()
    ]
    assert bare == []


def test_tiny_profile_fits_two_cores_beside_the_secured_chart() -> None:
    made = Render(CENTRAL, {"profile": "tiny"}).manifests()
    running = [pod for name, pod in made.pods().items() if name.startswith("Deployment/")]
    containers = [one for pod in running for one in pod["spec"]["containers"]]
    requested = sum(int(one["resources"]["requests"]["cpu"].removesuffix("m")) for one in containers)
    assert requested <= 800
    assert made.of("HorizontalPodAutoscaler") == []
    assert {
        made.get("Deployment", f"scanner-v4-{part}")["spec"]["replicas"] for part in ("indexer", "matcher")
    } == {1}


def test_replicas_are_left_to_the_autoscaler(plain: Manifests) -> None:
    assert "replicas" not in plain.get("Deployment", "scanner-v4-indexer")["spec"]
    spec = plain.get("HorizontalPodAutoscaler", "scanner-v4-indexer")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 5)
    assert spec["metrics"][0]["resource"]["target"]["averageUtilization"] == 150


def test_fixed_replicas_without_the_autoscaler() -> None:
    values = {"scannerV4": {"matcher": {"replicas": 4, "autoscaling": {"disable": True}}}}
    made = Render(CENTRAL, values).manifests()
    assert made.get("Deployment", "scanner-v4-matcher")["spec"]["replicas"] == 4
    assert made.names("HorizontalPodAutoscaler") == ["scanner-v4-indexer"]


@pytest.mark.parametrize(
    ("own", "wanted"),
    [
        ({}, "localhost/pyrox/main:0.1.0"),
        ({"tag": "7"}, "localhost/pyrox/main:7"),
        ({"registry": "quay.example/x", "name": "m"}, "quay.example/x/m:0.1.0"),
        ({"digest": f"sha256:{'a' * 64}"}, f"localhost/pyrox/main@sha256:{'a' * 64}"),
        ({"fullRef": "team/main:1"}, "docker.io/team/main:1"),
        ({"fullRef": "reg:5000/main:1"}, "reg:5000/main:1"),
    ],
)
def test_image_reference_follows_its_parts(own: dict[str, str], wanted: str) -> None:
    made = Render(CENTRAL, {"central": {"image": own}}).manifests()
    assert container(made, "central", "central")["image"] == wanted


def test_customization_of_a_workload_wins_over_the_general_one() -> None:
    values = {
        "customize": {
            "labels": {"team": "a"},
            "envVars": {"ROX_OFFLINE_MODE": "true", "/central": {"ONLY": "here"}},
            "other": {
                "deployment/*": {"labels": {"team": "b"}},
                "service/central": {"labels": {"team": "s"}},
            },
            "central": {
                "podLabels": {"team": "c"},
                "envVars": {"FROM": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            },
        }
    }
    made = Render(CENTRAL, values).manifests()
    central = made.get("Deployment", "central")
    assert central["metadata"]["labels"]["team"] == "b"
    assert central["spec"]["template"]["metadata"]["labels"]["team"] == "c"
    assert made.get("Service", "central")["metadata"]["labels"]["team"] == "s"
    assert made.get("ConfigMap", "central-config")["metadata"]["labels"]["team"] == "a"
    found = environment(container(made, "central", "central"))
    assert (found["ROX_OFFLINE_MODE"], found["ONLY"]) == ("true", "here")
    assert found["FROM"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}
    assert "ONLY" not in environment(container(made, "central-db", "central-db"))


def test_endpoint_of_the_user_opens_port_service_and_policy() -> None:
    config = {
        "endpoints": [{"listen": ":8444", "name": "people", "servicePort": 8444, "allowIngressFrom": [{}]}]
    }
    made = Render(CENTRAL, {"central": {"endpointsConfig": config}}).manifests()
    assert {"name": "people", "containerPort": 8444, "protocol": "TCP"} in container(
        made, "central", "central"
    )["ports"]
    assert [one["port"] for one in made.get("Service", "central")["spec"]["ports"]] == [443, 8444]
    assert made.find("NetworkPolicy", "allow-ext-to-central-people") is not None


def test_claims_are_kept_and_sized(plain: Manifests) -> None:
    claim = plain.get("PersistentVolumeClaim", "central-db")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert claim["spec"]["resources"]["requests"]["storage"] == "100Gi"
    values = {"central": {"db": {"persistence": {"persistentVolumeClaim": {"size": 7}}}}}
    sized = Render(CENTRAL, values).manifests().get("PersistentVolumeClaim", "central-db")
    assert sized["spec"]["resources"]["requests"]["storage"] == "7Gi"


def test_database_without_persistence_has_no_claim() -> None:
    made = Render(CENTRAL, {"scannerV4": {"db": {"persistence": {"none": True}}}}).manifests()
    assert made.names("PersistentVolumeClaim") == ["central-db"]
    assert mounts(made, "scanner-v4-db", "db")["/var/lib/postgresql/data"] == "empty"


def test_autoscaler_of_the_user_wins_over_the_profile() -> None:
    values = {"profile": "tiny", "scannerV4": {"indexer": {"autoscaling": {"disable": False}}}}
    assert Render(CENTRAL, values).manifests().names("HorizontalPodAutoscaler") == ["scanner-v4-indexer"]


@pytest.mark.parametrize(
    "values",
    [
        dict.fromkeys(("central", "scannerV4", "env", "network", "monitoring", "meta", "image", "profiles")),
        {"central": {"db": None, "exposure": None, "telemetry": {"enabled": None}}},
        {"scannerV4": {"indexer": {"metricsPort": None, "image": None}, "db": {"persistence": None}}},
    ],
    ids=["sections", "in central", "in scannerV4"],
)
def test_value_that_is_left_empty_has_its_default(plain: Manifests, values: dict[str, Any]) -> None:
    assert Render(CENTRAL, values).text() == plain.text


def test_open_map_that_is_null_is_empty() -> None:
    made = Render(CENTRAL, {"central": {"affinity": None}}).manifests()
    assert "affinity" not in made.get("Deployment", "central")["spec"]["template"]["spec"]


def test_same_values_give_the_same_bytes() -> None:
    assert different_lines(Render(CENTRAL, EVERYTHING)) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_objects_fit_the_kubernetes_schema(everything: Manifests, version: str) -> None:
    assert kubernetes_errors(everything, version, foreign=FOREIGN) == []


@pytest.mark.parametrize("path", sorted((CENTRAL / "ci").glob("*.yaml")), ids=lambda path: path.stem)
def test_values_file_renders_what_kubernetes_takes(path: Any) -> None:
    made = Render(CENTRAL, files=[path]).manifests()
    assert kubernetes_errors(made, "1.33", foreign=FOREIGN) == []
