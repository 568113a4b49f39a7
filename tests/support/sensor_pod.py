"""Sensor's pod without a kubelet: its program with the mounts of the chart, as directories."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import kube
from tests.support.pg import free_port
from tests.support.process import Process

_REGISTRATION_SECONDS = 90.0


@dataclass(frozen=True)
class Pod:
    """What the chart mounts into Sensor's pod, in a directory."""

    directory: Path
    environment: dict[str, str]

    def sensor(self, *words: str, **environment: str) -> Process:
        """Sensor's program with these mounts."""
        arguments = [*words, "--secrets", str(self.directory), "--listen", f"127.0.0.1:{free_port()}"]
        arguments += ["--cache", str(self.directory / "cache")]
        return Process(
            "sensor", arguments, {**self.environment, **environment}, self.directory / "sensor.log"
        )

    def register(self, **environment: str) -> tuple[int, str]:
        """The init container to its end: its exit code and what it logged."""
        process = self.sensor("ensure-service-certificates", **environment)
        process.start()
        assert process.process is not None
        try:
            return process.process.wait(timeout=_REGISTRATION_SECONDS), process.log.read_text()
        finally:
            process.kill()

    def take_secret(self, manifest: Any) -> None:
        """Mount a registration secret, given as the manifest that roxctl writes."""
        (self.directory / "crs" / "crs").write_bytes(base64.b64decode(manifest["data"]["crs"]))

    @property
    def log(self) -> str:
        """What Sensor and its init container logged."""
        return (self.directory / "sensor.log").read_text()


def sensor_pod(directory: Path, endpoint: str, cluster: kube.Cluster, namespace: str) -> Pod:
    """The mounts of a new installation, still without certificates, in a namespace of its own."""
    for name in ("certs", "certs-new", "certs-legacy", "crs", "helm-cluster-config"):
        (directory / name).mkdir(parents=True)
    config = {"clusterName": namespace, "managedBy": "MANAGER_TYPE_HELM_CHART", "clusterConfig": {}}
    (directory / "helm-cluster-config" / "config.yaml").write_text(json.dumps(config))
    cluster.apply(kube.namespace(namespace))
    cluster.apply(kube.deployment("sensor", namespace=namespace, privileged=False))
    environment = {
        "ROX_CENTRAL_ENDPOINT": endpoint,
        "ROX_MTLS_CA_FILE": str(directory / "certs" / "ca.pem"),
        "ROX_MTLS_CERT_FILE": str(directory / "certs" / "cert.pem"),
        "ROX_MTLS_KEY_FILE": str(directory / "certs" / "key.pem"),
        "ROX_CERTS_NEW_DIR": str(directory / "certs-new"),
        "ROX_CERTS_LEGACY_DIR": str(directory / "certs-legacy"),
        "ROX_CRS_FILE": str(directory / "crs" / "crs"),
        "ROX_METRICS_PORT": f"127.0.0.1:{free_port()}",
        "ROX_SENSOR_CONNECTION_RETRY_INITIAL_INTERVAL": "1s",
        "POD_NAMESPACE": namespace,
        "KUBECONFIG": str(cluster.kubeconfig),
    }
    return Pod(directory, environment)
