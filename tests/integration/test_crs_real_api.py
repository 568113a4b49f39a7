"""New clusters with a real Central and a real API server: by registration secret and by init bundle."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyrox.mtls.ca import load_certificates
from pyrox.mtls.identity import WILDCARD_ID, subject_of
from pyrox.pg.settings import Settings
from tests.conftest import shared_folder
from tests.support import kube
from tests.support.central import RunningCentral, running_central
from tests.support.pg import free_port
from tests.support.sensor_pod import Pod, sensor_pod
from tests.support.waiting import until

pytestmark = [pytest.mark.needs("kube", "postgres")]
SECRETS = (
    "tls-cert-sensor",
    "tls-cert-collector",
    "tls-cert-admission-control",
    "tls-cert-scanner",
    "tls-cert-scanner-db",
    "tls-cert-scanner-v4-indexer",
    "tls-cert-scanner-v4-db",
)
_SECONDS = 90.0


@pytest.fixture(scope="module", name="cluster")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kube.Cluster]:
    scripts = shared_folder() / "kube"
    with kube.control_plane(scripts, tmp_path_factory.mktemp("kube"), port=kube.PORT + 20) as path:
        yield kube.Cluster(path)


@pytest.fixture(scope="module", name="central")
def _central(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[RunningCentral]:
    with running_central(tmp_path_factory.mktemp("central"), database) as running:
        yield running


def ask(central: RunningCentral, method: str, path: str, **body: Any) -> Any:
    with central.client() as client:
        return client.request(method, path, json=body or None).raise_for_status().json()


def give_crs(made: Pod, central: RunningCentral, name: str) -> None:
    """Mount a new registration secret."""
    answer = ask(central, "POST", "/v1/cluster-init/crs-extended", name=name)
    made.take_secret(yaml.safe_load(base64.b64decode(answer["crs"])))


def give_bundle(made: Pod, central: RunningCentral, name: str) -> None:
    """Mount a new init bundle's secret for Sensor."""
    answer = ask(central, "POST", "/v1/cluster-init/init-bundles", name=name)
    for manifest in yaml.safe_load_all(base64.b64decode(answer["kubectlBundle"])):
        if manifest["metadata"]["name"] == "sensor-tls":
            for key, value in manifest["stringData"].items():
                (made.directory / "certs-legacy" / key).write_text(value)


def health(central: RunningCentral, name: str) -> str:
    """What Central says of the Sensor of a cluster."""
    for known in ask(central, "GET", "/v1/clusters")["clusters"]:
        if known["name"] == name:
            return str((known.get("healthStatus") or {}).get("sensorHealthStatus", ""))
    return "no cluster"


def stored(cluster: kube.Cluster, namespace: str) -> dict[str, dict[str, Any]]:
    words = ("get", "secrets", "-n", namespace, "-o", "json")
    items = json.loads(cluster.must(*words))["items"]
    return {item["metadata"]["name"]: item for item in items}


def holder(secret: dict[str, Any]) -> str:
    return subject_of(load_certificates(base64.b64decode(secret["data"]["cert.pem"]))[0]).common_name


async def test_cluster_registers_by_its_secret_and_its_sensor_connects(
    central: RunningCentral, cluster: kube.Cluster, tmp_path: Path
) -> None:
    made = sensor_pod(tmp_path, f"127.0.0.1:{central.port}", cluster, "by-secret")
    give_crs(made, central, "once")
    code, log = made.register()
    assert code == 0, log
    secrets = stored(cluster, "by-secret")
    assert set(secrets) == set(SECRETS)
    (known,) = [one for one in ask(central, "GET", "/v1/clusters")["clusters"] if one["name"] == "by-secret"]
    assert holder(secrets["tls-cert-admission-control"]) == f"ADMISSION_CONTROL_SERVICE: {known['id']}"
    uid = cluster.must("get", "deployment", "sensor", "-n", "by-secret", "-o", "jsonpath={.metadata.uid}")
    for secret in secrets.values():
        assert [one["uid"] for one in secret["metadata"]["ownerReferences"]] == [uid]
        assert set(secret["data"]) == {"ca.pem", "cert.pem", "key.pem"}
    # Sensor starts with what registration left, long before the kubelet mounts its secret.
    sensor = made.sensor()
    sensor.start()
    try:
        await until(lambda: health(central, "by-secret") == "HEALTHY", seconds=_SECONDS)
    finally:
        sensor.stop()
    # Once it has connected, the secret opens nothing, and a pod with a certificate asks for nothing.
    assert made.register(ROX_SENSOR_SERVICE_CERT="-----BEGIN CERTIFICATE-----")[0] == 0
    code, log = made.register()
    assert code == 1
    assert 'cluster "by-secret" is registered already' in log
    assert "PRIVATE KEY" not in log


async def test_cluster_with_an_init_bundle_gets_certificates_of_its_own(
    central: RunningCentral, cluster: kube.Cluster, tmp_path: Path
) -> None:
    made = sensor_pod(tmp_path, f"127.0.0.1:{central.port}", cluster, "by-bundle")
    give_bundle(made, central, "bundled")
    sensor = made.sensor()
    sensor.start()
    try:
        await until(lambda: len(stored(cluster, "by-bundle")) == len(SECRETS), seconds=_SECONDS)
        secrets = stored(cluster, "by-bundle")
        assert set(secrets) == set(SECRETS)
        own = holder(secrets["tls-cert-sensor"])
        assert own != f"SENSOR_SERVICE: {WILDCARD_ID}"
        # The kubelet's part: the new secret appears in the pod.
        for key, value in secrets["tls-cert-sensor"]["data"].items():
            (made.directory / "certs-new" / key).write_bytes(base64.b64decode(value))
        used = made.directory / "certs" / "cert.pem"
        await until(
            lambda: subject_of(load_certificates(used.read_bytes())[0]).common_name == own, seconds=_SECONDS
        )
        await until(lambda: health(central, "by-bundle") == "HEALTHY", seconds=_SECONDS)
        assert sensor.alive()
    finally:
        sensor.stop()


def test_registration_without_central_says_so_and_a_restart_finds_it(
    central: RunningCentral, cluster: kube.Cluster, tmp_path: Path
) -> None:
    made = sensor_pod(tmp_path, f"127.0.0.1:{central.port}", cluster, "lonely")
    give_crs(made, central, "lonely")
    process = made.sensor("ensure-service-certificates", ROX_CENTRAL_ENDPOINT=f"127.0.0.1:{free_port()}")
    process.start()
    assert process.process is not None
    with pytest.raises(subprocess.TimeoutExpired):
        process.process.wait(timeout=10)
    process.process.terminate()
    assert process.process.wait(timeout=30) == 1
    assert "not registered yet, trying on" in made.log
    assert not set(stored(cluster, "lonely")) & set(SECRETS)
    code, log = made.register()
    assert code == 0, log
    assert set(stored(cluster, "lonely")) == set(SECRETS)
