"""When the secured cluster's chart brings a scanner, and how that is set up."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.scan import settings
from tests.support.charts import SECURED, Manifests, Render

pytestmark = pytest.mark.needs("helm")
NAME = {"clusterName": "prod"}
LOCAL: dict[str, Any] = {**NAME, "scanner": {"disable": False}}


@pytest.fixture(scope="module")
def local() -> Manifests:
    return Render(SECURED, LOCAL).manifests()


def sensors_view(made: Manifests) -> tuple[str, str]:
    """What Sensor is told: whether there is Scanner V4, and whether to scan here."""
    sensor = made.pods()["Deployment/sensor"]["spec"]["containers"][0]
    fields = {one["name"]: one.get("value", "") for one in sensor["env"]}
    return fields["ROX_SCANNER_V4"], fields["ROX_LOCAL_IMAGE_SCANNING_ENABLED"]


@pytest.mark.parametrize(
    ("values", "installed", "told"),
    [
        ({}, False, ("true", "false")),
        ({"scanner": None}, False, ("true", "false")),
        ({"scanner": {"disable": False}}, True, ("true", "true")),
        ({"scannerV4": {"disable": False}}, True, ("true", "true")),
        ({"scanner": {"disable": False}, "scannerV4": {"disable": True}}, False, ("false", "false")),
        (
            {"scanner": {"disable": False}, "scannerV4": {"centralInNamespace": True}},
            False,
            ("true", "false"),
        ),
        ({"sensor": {"localImageScanning": {"enabled": True}}}, False, ("true", "true")),
    ],
)
def test_scanner_is_installed_when_asked_for_and_not_beside_central(
    values: dict[str, Any], installed: bool, told: tuple[str, str]
) -> None:
    made = Render(SECURED, {**NAME, **values}).manifests()
    parts = {
        "Deployment/scanner-v4-indexer",
        "Deployment/scanner-v4-db",
        "PersistentVolumeClaim/scanner-v4-db",
    }
    assert (parts <= made.keys(), bool(parts & made.keys())) == (installed, installed)
    assert sensors_view(made) == told


def test_indexer_reads_its_configuration(local: Manifests) -> None:
    text = local.get("ConfigMap", "scanner-v4-indexer-config")["data"]["config.yaml"]
    read = settings.read(text.encode(), {})
    assert (read["indexer.enable"], read["matcher.enable"], read["stackrox_services"]) == (True, False, True)
    assert read["indexer.database.conn_string"].split() == [
        "host=scanner-v4-db.stackrox.svc",
        "port=5432",
        "sslrootcert=/run/secrets/stackrox.io/certs/ca.pem",
        "user=postgres",
        "sslmode=verify-full",
        "pool_min_conns=10",
        "pool_max_conns=80",
        "client_encoding=UTF8",
    ]
    assert read["indexer.repository_to_cpe_url"] == (
        "https://sensor.stackrox.svc/scanner/definitions?file=repo2cpe"
    )
    assert read["indexer.name_to_repos_url"].endswith("?file=name2repos")
    assert (read["grpc_listen_addr"], read["http_listen_addr"]) == ("0.0.0.0:8443", "0.0.0.0:9443")


def test_indexer_and_database_take_the_certificates_that_sensor_keeps(local: Manifests) -> None:
    secrets = {
        name: {one["secret"]["secretName"] for one in pod["spec"]["volumes"] if "secret" in one}
        for name, pod in local.pods().items()
    }
    assert "tls-cert-scanner-v4-indexer" in secrets["Deployment/scanner-v4-indexer"]
    assert "tls-cert-scanner-v4-db" in secrets["Deployment/scanner-v4-db"]


def test_database_is_set_up_as_upstreams(local: Manifests) -> None:
    config = local.get("ConfigMap", "scanner-v4-db-config")["data"]
    assert "max_connections = 500\n" in config["postgresql.conf"]
    assert "shared_buffers = 750MB\n" in config["postgresql.conf"]
    rules = [line.split() for line in config["pg_hba.conf"].splitlines()]
    assert ["hostnossl", "all", "all", "all", "reject"] in rules
    assert not [rule for rule in rules if rule[-1] == "trust"]
    pod = local.pods()["Deployment/scanner-v4-db"]["spec"]
    assert pod["initContainers"][0]["command"] == ["init-entrypoint.sh"]
    assert {one["name"] for one in pod["containers"]} == {"db", "cert-watcher"}
    assert local.get("PersistentVolumeClaim", "scanner-v4-db")["spec"]["resources"]["requests"] == {
        "storage": "10Gi"
    }


@pytest.mark.parametrize(
    ("persistence", "volume"),
    [({"none": True}, {"emptyDir": {}}), ({"hostPath": "/srv"}, {"hostPath": {"path": "/srv"}})],
)
def test_database_without_a_claim(persistence: dict[str, Any], volume: dict[str, Any]) -> None:
    values = {**LOCAL, "scannerV4": {"db": {"persistence": persistence}}}
    made = Render(SECURED, values).manifests()
    assert made.of("PersistentVolumeClaim") == []
    disks = [
        one for one in made.pods()["Deployment/scanner-v4-db"]["spec"]["volumes"] if one["name"] == "disk"
    ]
    assert disks == [{"name": "disk", **volume}]


def test_indexer_scales_by_load_unless_told_otherwise(local: Manifests) -> None:
    scaler = local.get("HorizontalPodAutoscaler", "scanner-v4-indexer")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 5)
    assert "replicas" not in local.get("Deployment", "scanner-v4-indexer")["spec"]
    fixed = {**LOCAL, "scannerV4": {"indexer": {"replicas": 4, "autoscaling": {"disable": True}}}}
    made = Render(SECURED, fixed).manifests()
    assert made.of("HorizontalPodAutoscaler") == []
    assert made.get("Deployment", "scanner-v4-indexer")["spec"]["replicas"] == 4


def test_services_are_upstreams(local: Manifests) -> None:
    indexer, database = local.get("Service", "scanner-v4-indexer"), local.get("Service", "scanner-v4-db")
    assert indexer["spec"]["clusterIP"] == "None"
    assert [port["port"] for port in indexer["spec"]["ports"]] == [8443]
    assert [port["port"] for port in database["spec"]["ports"]] == [5432]
