"""What the central chart's pods may do: on their node, and on the network."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.charts import CENTRAL, Manifests, Render
from tests.support.network_policies import Peer, allowed, outside
from tests.support.pod_security import all_containers, restricted_breaches
from tests.unit.deploy.test_chart_central import EVERYTHING

pytestmark = pytest.mark.needs("helm")

APPS = (
    "central",
    "central-db",
    "config-controller",
    "scanner-v4-indexer",
    "scanner-v4-matcher",
    "scanner-v4-db",
)
PODS = {app: Peer(labels={"app": app}, address=f"10.0.0.{number}") for number, app in enumerate(APPS, 2)}
SENSOR = Peer(labels={"app": "sensor"}, address="10.0.0.20")
STRANGER = Peer(labels={"app": "web"}, namespace="shop", address="10.0.0.30")
DNS = Peer(labels={"k8s-app": "kube-dns"}, namespace="kube-system", address="10.0.0.40")
PROMETHEUS = Peer(labels={"app": "prometheus"}, namespace="monitoring", address="10.0.0.50")
INTERNET = outside("93.184.216.34")


@pytest.mark.parametrize("values", [{}, {"profile": "tiny"}, EVERYTHING], ids=["plain", "tiny", "everything"])
def test_every_pod_passes_the_restricted_standard(values: dict[str, Any]) -> None:
    pods = Render(CENTRAL, values).manifests().pods()
    breaches = {name: restricted_breaches(pod["spec"]) for name, pod in pods.items()}
    assert {name: found for name, found in breaches.items() if found} == {}
    assert len(pods) == 10


def test_every_root_file_system_is_read_only() -> None:
    pods = Render(CENTRAL).manifests().pods()
    writable = [
        (name, one["name"])
        for name, pod in pods.items()
        for one in all_containers(pod["spec"])
        if not one["securityContext"]["readOnlyRootFilesystem"]
    ]
    assert writable == []


@pytest.mark.parametrize("as_code", [True, False])
def test_only_pods_that_ask_the_api_server_have_a_token(as_code: bool) -> None:
    pods = Render(CENTRAL, {"configAsCode": {"enabled": as_code}}).manifests().pods()
    with_token = {name for name, pod in pods.items() if pod["spec"]["automountServiceAccountToken"]}
    asking = {"Deployment/central", "Deployment/config-controller"} if as_code else set()
    assert with_token == {"Job/stackrox-bootstrap", *asking}


def test_no_cluster_wide_right_is_given() -> None:
    made = Render(CENTRAL, EVERYTHING).manifests()
    assert made.of("ClusterRole") == []
    assert made.of("ClusterRoleBinding") == []


@pytest.fixture(scope="module")
def policies() -> list[dict[str, Any]]:
    return Render(CENTRAL).manifests().of("NetworkPolicy")


@pytest.mark.parametrize(
    ("source", "target", "port", "verdict"),
    [
        (STRANGER, PODS["central"], 8443, True),
        (INTERNET, PODS["central"], 8443, True),
        (STRANGER, PODS["central"], 9090, False),
        (STRANGER, PODS["config-controller"], 8081, False),
        (PODS["config-controller"], PODS["central"], 8443, True),
        (PODS["config-controller"], INTERNET, 6443, True),
        (PODS["config-controller"], PODS["central-db"], 5432, False),
        (PODS["central"], PODS["central-db"], 5432, True),
        (PODS["scanner-v4-indexer"], PODS["central-db"], 5432, False),
        (STRANGER, PODS["central-db"], 5432, False),
        (PODS["central"], PODS["scanner-v4-indexer"], 8443, True),
        (PODS["scanner-v4-matcher"], PODS["scanner-v4-indexer"], 8443, True),
        (SENSOR, PODS["scanner-v4-indexer"], 8443, True),
        (STRANGER, PODS["scanner-v4-indexer"], 8443, False),
        (PODS["central"], PODS["scanner-v4-matcher"], 8443, True),
        (SENSOR, PODS["scanner-v4-matcher"], 8443, False),
        (PODS["scanner-v4-indexer"], PODS["scanner-v4-db"], 5432, True),
        (PODS["scanner-v4-matcher"], PODS["scanner-v4-db"], 5432, True),
        (PODS["central"], PODS["scanner-v4-db"], 5432, False),
        (PODS["scanner-v4-indexer"], PODS["central"], 8443, True),
        (PODS["scanner-v4-matcher"], PODS["central"], 8443, True),
        (PODS["central"], INTERNET, 443, True),
        (PODS["scanner-v4-indexer"], INTERNET, 5000, True),
        (PODS["scanner-v4-matcher"], INTERNET, 443, False),
        (PODS["central-db"], INTERNET, 443, False),
        (PODS["scanner-v4-db"], PODS["central"], 8443, False),
        (PODS["central"], outside("169.254.169.254"), 80, False),
    ],
)
def test_connection_is_allowed_only_where_it_is_needed(
    policies: list[dict[str, Any]], source: Peer, target: Peer, port: int, verdict: bool
) -> None:
    assert allowed(policies, source, target, port) is verdict


@pytest.mark.parametrize("app", ["central", "config-controller", "scanner-v4-indexer", "scanner-v4-matcher"])
def test_names_can_be_resolved(policies: list[dict[str, Any]], app: str) -> None:
    assert allowed(policies, PODS[app], DNS, 53, protocol="UDP")
    assert allowed(policies, PODS[app], outside("169.254.20.10"), 53, protocol="UDP")


def test_test_pods_reach_what_they_test(policies: list[dict[str, Any]]) -> None:
    database, tls = (Peer(labels={"app": f"central-test-{name}"}) for name in ("database", "tls"))
    assert allowed(policies, database, PODS["central-db"], 5432)
    assert allowed(policies, tls, PODS["scanner-v4-matcher"], 8443)
    assert not allowed(policies, tls, PODS["central-db"], 5432)


def changed(network: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return Render(CENTRAL, {"network": network, **more}).manifests().of("NetworkPolicy")


def test_outside_can_be_narrowed_to_networks_and_ports() -> None:
    found = changed({"egress": {"externalCIDRs": ["192.168.0.0/16"], "externalPorts": [443]}})
    assert allowed(found, PODS["central"], outside("192.168.3.4"), 443)
    assert not allowed(found, PODS["central"], outside("192.168.3.4"), 5000)
    assert not allowed(found, PODS["central"], INTERNET, 443)
    assert allowed(found, PODS["central"], PODS["central-db"], 5432)


def test_metrics_are_open_to_the_chosen_peers_alone() -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    shown = {"central": {"exposeMonitoring": True}, "scannerV4": {"exposeMonitoring": True}}
    found = changed({"monitoringFrom": peers}, **shown)
    for app in ("central", "scanner-v4-indexer", "scanner-v4-matcher"):
        assert allowed(found, PROMETHEUS, PODS[app], 9090)
        assert not allowed(found, STRANGER, PODS[app], 9090)


def test_extra_rules_add_to_the_charts_own() -> None:
    reader = {"from": [{"podSelector": {"matchLabels": {"app": "report"}}}], "ports": [{"port": 5432}]}
    found = changed({"extraIngress": {"central-db": [reader]}, "extraEgress": {"scanner-v4-matcher": [{}]}})
    assert allowed(found, Peer(labels={"app": "report"}), PODS["central-db"], 5432)
    assert not allowed(found, STRANGER, PODS["central-db"], 5432)
    assert allowed(found, PODS["scanner-v4-matcher"], INTERNET, 443)


def test_policies_can_be_left_out() -> None:
    assert changed({"enableNetworkPolicies": False}) == []
    ingress_only = changed({"egress": {"enabled": False}})
    assert allowed(ingress_only, PODS["scanner-v4-matcher"], INTERNET, 443)
    assert not allowed(ingress_only, PODS["central-db"], INTERNET, 443)


def secret_values(manifests: Manifests) -> list[str]:
    return [value for secret in manifests.of("Secret") for value in secret["data"].values()]


def test_no_secret_is_rendered_by_default() -> None:
    made = Render(CENTRAL).manifests()
    assert secret_values(made) == []
    assert "PRIVATE KEY" not in made.text
