"""The network policies of the secured cluster's chart, evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.charts import SECURED, Manifests, Render
from tests.support.network_policies import Peer, allowed, outside

pytestmark = pytest.mark.needs("helm")
VALUES: dict[str, Any] = {
    "clusterName": "prod",
    "centralEndpoint": "central.example.com:8444",
    "scanner": {"disable": False},
}
SENSOR = Peer({"app": "sensor"})
ADMISSION = Peer({"app": "admission-control"})
COLLECTOR = Peer({"app": "collector", "service": "collector"})
INDEXER = Peer({"app": "scanner-v4-indexer"})
DATABASE = Peer({"app": "scanner-v4-db"})
CENTRAL = Peer({"app": "central"}, namespace="elsewhere")
STRANGER = Peer({"app": "shop"}, namespace="shop")
DNS = Peer({"k8s-app": "kube-dns"}, namespace="kube-system")
INTERNET, METADATA = outside("198.51.100.7"), outside("169.254.169.254")


@pytest.fixture(scope="module")
def made() -> Manifests:
    return Render(SECURED, VALUES).manifests()


@pytest.mark.parametrize(
    ("source", "target", "port", "may"),
    [
        (COLLECTOR, SENSOR, 8443, True),
        (ADMISSION, SENSOR, 8443, True),
        (INDEXER, SENSOR, 8443, True),
        (STRANGER, SENSOR, 8443, False),
        (INTERNET, SENSOR, 9443, True),
        (STRANGER, SENSOR, 9090, False),
        (INTERNET, ADMISSION, 8443, True),
        (STRANGER, ADMISSION, 9090, False),
        (STRANGER, COLLECTOR, 8080, False),
        (SENSOR, COLLECTOR, 8444, False),
        (SENSOR, INDEXER, 8443, True),
        (COLLECTOR, INDEXER, 8443, False),
        (INDEXER, DATABASE, 5432, True),
        (SENSOR, DATABASE, 5432, False),
    ],
)
def test_pods_are_reached_only_by_whom_they_serve(
    made: Manifests, source: Peer, target: Peer, port: int, may: bool
) -> None:
    assert allowed(made.of("NetworkPolicy"), source, target, port) is may


@pytest.mark.parametrize(
    ("source", "target", "port", "may"),
    [
        (SENSOR, CENTRAL, 8443, True),
        (SENSOR, INTERNET, 6443, True),
        (SENSOR, METADATA, 80, False),
        (ADMISSION, CENTRAL, 8443, True),
        (ADMISSION, INTERNET, 8444, True),
        (ADMISSION, INTERNET, 443, False),
        (COLLECTOR, INTERNET, 443, False),
        (COLLECTOR, STRANGER, 8443, False),
        (INDEXER, INTERNET, 443, True),
        (DATABASE, INTERNET, 443, False),
    ],
)
def test_pods_reach_only_what_they_need(
    made: Manifests, source: Peer, target: Peer, port: int, may: bool
) -> None:
    assert allowed(made.of("NetworkPolicy"), source, target, port) is may


@pytest.mark.parametrize("source", [SENSOR, ADMISSION, COLLECTOR, INDEXER])
def test_whoever_speaks_to_a_name_may_resolve_it(made: Manifests, source: Peer) -> None:
    assert allowed(made.of("NetworkPolicy"), source, DNS, 53, protocol="UDP")


def test_metrics_are_open_when_exposed_and_only_to_the_named() -> None:
    prometheus = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    values = {**VALUES, "exposeMonitoring": True, "network": {"monitoringFrom": [prometheus]}}
    policies = Render(SECURED, values).manifests().of("NetworkPolicy")
    labels = {"kubernetes.io/metadata.name": "monitoring"}
    friend = Peer({"app": "prometheus"}, namespace="monitoring", namespace_labels=labels)
    ports = [(SENSOR, 9090), (ADMISSION, 9090), (COLLECTOR, 9090), (COLLECTOR, 9091), (INDEXER, 9090)]
    assert [allowed(policies, friend, target, port) for target, port in ports] == [True] * 5
    assert [allowed(policies, STRANGER, target, port) for target, port in ports] == [False] * 5


def test_more_rules_are_added_to_a_workload() -> None:
    rule = {"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}], "ports": [{"port": 514, "protocol": "TCP"}]}
    values = {**VALUES, "network": {"extraEgress": {"collector": [rule]}}}
    policies = Render(SECURED, values).manifests().of("NetworkPolicy")
    assert allowed(policies, COLLECTOR, INTERNET, 514)
    assert not allowed(policies, COLLECTOR, INTERNET, 515)


def test_egress_can_be_left_alone() -> None:
    values = {**VALUES, "network": {"egress": {"enabled": False}}}
    policies = Render(SECURED, values).manifests().of("NetworkPolicy")
    assert allowed(policies, COLLECTOR, INTERNET, 443)
    assert not allowed(policies, STRANGER, SENSOR, 8443)


def test_policies_can_be_left_out() -> None:
    values = {**VALUES, "network": {"enableNetworkPolicies": False}}
    assert Render(SECURED, values).manifests().of("NetworkPolicy") == []
