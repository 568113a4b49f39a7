"""How the central chart lets people, Sensors and Prometheus reach Central."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.charts import CENTRAL, Manifests, Render

pytestmark = pytest.mark.needs("helm")


def exposed(exposure: dict[str, Any]) -> Manifests:
    return Render(CENTRAL, {"central": {"exposure": exposure}}).manifests()


def test_load_balancer_keeps_the_clients_address_and_limits_networks() -> None:
    balancer = {
        "enabled": True,
        "port": 8443,
        "sourceRanges": ["10.0.0.0/8"],
        "class": "inner",
        "ip": "10.1.1.1",
    }
    spec = exposed({"loadBalancer": balancer}).get("Service", "central-loadbalancer")["spec"]
    assert (spec["type"], spec["externalTrafficPolicy"]) == ("LoadBalancer", "Local")
    assert spec["ports"] == [{"name": "https", "port": 8443, "targetPort": "api", "protocol": "TCP"}]
    assert (spec["loadBalancerSourceRanges"], spec["loadBalancerClass"]) == (["10.0.0.0/8"], "inner")


def test_node_port_has_upstreams_name_unless_a_load_balancer_has_it() -> None:
    port = {"enabled": True, "port": 30443}
    alone = exposed({"nodePort": port})
    assert alone.get("Service", "central-loadbalancer")["spec"]["ports"][0]["nodePort"] == 30443
    both = exposed({"nodePort": port, "loadBalancer": {"enabled": True}})
    assert both.get("Service", "central-loadbalancer")["spec"]["type"] == "LoadBalancer"
    assert both.get("Service", "central-nodeport")["spec"]["type"] == "NodePort"


def test_routes_pass_tls_through() -> None:
    made = exposed({"route": {"enabled": True, "host": "c.example.com"}})
    assert made.names("Route") == ["central", "central-mtls"]
    assert made.get("Route", "central")["spec"]["host"] == "c.example.com"
    assert made.get("Route", "central-mtls")["spec"]["host"] == "central.stackrox"
    assert {one["spec"]["tls"]["termination"] for one in made.of("Route")} == {"passthrough"}


def test_reencrypting_route_carries_its_certificates() -> None:
    tls = {"certificate": "c", "key": "k", "destinationCACertificate": "ca"}
    spec = exposed({"route": {"reencrypt": {"enabled": True, "tls": tls}}}).get("Route", "central-reencrypt")[
        "spec"
    ]
    assert spec["tls"] == {"termination": "reencrypt", "insecureEdgeTerminationPolicy": "Redirect", **tls}


def test_ingress_passes_tls_through_by_default() -> None:
    made = exposed({"ingress": {"enabled": True, "host": "c.example.com", "className": "nginx"}})
    ingress = made.get("Ingress", "central")
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/ssl-passthrough"] == "true"
    assert ingress["spec"]["tls"] == [{"hosts": ["c.example.com"]}]
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "central", "port": {"name": "https"}}


def test_ingress_may_end_tls_with_its_own_certificate() -> None:
    ingress = {"enabled": True, "host": "c.example.com", "passthrough": False, "tlsSecretName": "people"}
    made = exposed({"ingress": ingress}).get("Ingress", "central")
    assert made["spec"]["tls"] == [{"hosts": ["c.example.com"], "secretName": "people"}]
    assert "nginx.ingress.kubernetes.io/ssl-passthrough" not in made["metadata"]["annotations"]


@pytest.mark.parametrize(("kind", "version"), [("TLSRoute", "v1alpha2"), ("HTTPRoute", "v1")])
def test_gateway_route_reaches_central(kind: str, version: str) -> None:
    gateway = {
        "enabled": True, "kind": kind, "parentRefs": [{"name": "public"}], "hostnames": ["c.example.com"],
        "backendCAConfigMap": "service-ca",
    }  # fmt: skip
    made = exposed({"gateway": gateway})
    route = made.get(kind, "central")
    assert route["apiVersion"] == f"gateway.networking.k8s.io/{version}"
    assert route["spec"]["rules"] == [{"backendRefs": [{"name": "central", "port": 443}]}]
    assert bool(made.of("BackendTLSPolicy")) is (kind == "HTTPRoute")


def test_nothing_is_exposed_by_default() -> None:
    made = Render(CENTRAL).manifests()
    assert {one["spec"]["type"] for one in made.of("Service") if "type" in one["spec"]} == {"ClusterIP"}
    assert made.of("Ingress") == []


MONITORED = {
    "central": {"exposeMonitoring": True},
    "scannerV4": {"exposeMonitoring": True},
    "monitoring": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True, "extraRules": [{"alert": "Mine", "expr": "1"}]},
        "grafanaDashboard": {"enabled": True},
    },
}


def test_service_monitor_selects_the_services_with_metrics() -> None:
    made = Render(CENTRAL, MONITORED).manifests()
    monitor = made.get("ServiceMonitor", "stackrox-central-services")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    port = monitor["spec"]["endpoints"][0]["port"]
    scraped = [
        one["metadata"]["name"]
        for one in made.of("Service")
        if wanted <= one["metadata"]["labels"].items()
        and port in [item["name"] for item in one["spec"]["ports"]]
    ]
    assert sorted(scraped) == ["central", "scanner-v4-indexer", "scanner-v4-matcher"]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_alert_rules_have_a_summary_and_keep_prometheus_templates() -> None:
    rule = Render(CENTRAL, MONITORED).manifests().get("PrometheusRule", "stackrox-central-services")
    rules = {one["alert"]: one for one in rule["spec"]["groups"][0]["rules"]}
    own = [one for name, one in rules.items() if name != "Mine"]
    assert all(one["annotations"]["summary"] and one["labels"]["severity"] for one in own)
    assert "{{ $labels.kind }}" in rules["CentralRefusesEvents"]["annotations"]["description"]
    assert "Mine" in rules


def test_alert_rules_know_no_scanner_where_none_is() -> None:
    values = {**MONITORED, "scannerV4": {"disable": True}}
    rule = Render(CENTRAL, values).manifests().get("PrometheusRule", "stackrox-central-services")
    names = [one["alert"] for one in rule["spec"]["groups"][0]["rules"]]
    assert "CentralDown" in names
    assert "ScannerDown" not in names


def test_dashboard_is_json_that_grafana_finds() -> None:
    made = Render(CENTRAL, MONITORED).manifests().get("ConfigMap", "stackrox-central-dashboard")
    board = json.loads(made["data"]["stackrox-central.json"])
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert len({panel["title"] for panel in board["panels"]}) == len(board["panels"]) == 8


def test_openshift_gives_accounts_their_constraints() -> None:
    found = Render(CENTRAL, apis=["config.openshift.io/v1"]).manifests()
    assert {"use-central-scc", "use-central-db-scc", "use-scanner-v4-scc"} <= set(found.names("Role"))
    plain = Render(CENTRAL, {"env": {"openshift": False}}, apis=["config.openshift.io/v1"]).manifests()
    assert not [name for name in plain.names("Role") if name.endswith("-scc")]


def test_gke_gets_the_fast_storage_class() -> None:
    made = Render(CENTRAL, kubernetes="1.33.1-gke.100").manifests()
    assert made.get("PersistentVolumeClaim", "central-db")["spec"]["storageClassName"] == "stackrox-gke-ssd"
    assert made.names("StorageClass") == ["stackrox-gke-ssd"]


def test_extra_manifests_may_be_maps_or_templates() -> None:
    extra = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}},
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}-two'}",
    ]
    made = Render(CENTRAL, {"extraManifests": extra}).manifests()
    assert {"one", "stackrox-central-services-two"} <= set(made.names("ConfigMap"))
