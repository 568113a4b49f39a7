"""The processes of a secured cluster beside a real Central and API server: Sensor, Admission, Collector."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from pyrox.mtls.identity import Subject
from tests.support.central import RunningCentral
from tests.support.collector import process as collector_process
from tests.support.pg import free_port
from tests.support.process import Process

WEBHOOK_HOST = "localhost"
T = TypeVar("T")


def eventually(ask: Callable[[], T], *, seconds: float, what: str) -> T:
    """The first answer that is true; fails when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return answer


def becomes(ask: Callable[[], T], wanted: Callable[[], T], *, seconds: float, what: str) -> None:
    """Return once both answers are equal; fails with the difference."""
    deadline = time.monotonic() + seconds
    while (shown := ask()) != (due := wanted()):
        if time.monotonic() > deadline:
            assert shown == due, f"not within {seconds} s: {what}"
        time.sleep(0.05)


class SecuredCluster:
    """Sensor, Admission and Collector of one cluster that Central knows; the test starts what it needs."""

    def __init__(
        self, *, central: RunningCentral, kubeconfig: Path, directory: Path, cluster_id: str
    ) -> None:
        self._central = central
        self._port = free_port()
        self.sensor_metrics, self.collector_metrics = free_port(), free_port()
        sensor, admission, collector = (
            Subject(f"{name}_SERVICE", cluster_id) for name in ("SENSOR", "ADMISSION_CONTROL", "COLLECTOR")
        )
        port = free_port()
        self.sensor = self._sensor(sensor, kubeconfig, directory, f"127.0.0.1:{port}")
        self.admission = self._admission(admission, directory, f"127.0.0.1:{port}")
        self.collector = collector_process(
            central.pki,
            port,
            files=central.pki.files(collector),
            log=directory / "collector.log",
            metrics=self.collector_metrics,
        )

    def _sensor(self, subject: Subject, kubeconfig: Path, directory: Path, listen: str) -> Process:
        files = self._central.pki.files(subject)
        environment = {
            "ROX_CENTRAL_ENDPOINT": f"127.0.0.1:{self._central.port}",
            "ROX_MTLS_CERT_FILE": str(files.cert),
            "ROX_MTLS_KEY_FILE": str(files.key),
            "ROX_MTLS_CA_FILE": str(self._central.pki.ca_file),
            "KUBECONFIG": str(kubeconfig),
            "ROX_SENSOR_CONNECTION_RETRY_INITIAL_INTERVAL": "100ms",
            "ROX_SENSOR_CONNECTION_RETRY_MAX_INTERVAL": "500ms",
            "ROX_METRICS_PORT": f"127.0.0.1:{self.sensor_metrics}",
        }
        arguments = ["--listen", listen, "--secrets", str(directory / "secrets")]
        arguments += ["--cache", str(directory / "cache")]
        return Process("sensor", arguments, environment, directory / "sensor.log")

    def _admission(self, subject: Subject, directory: Path, sensor: str) -> Process:
        # The API server checks the name that it dials; a cluster's certificate has the service's names.
        files = self._central.pki.files(subject, extra_names=(WEBHOOK_HOST,))
        (files.cert.parent / "ca.pem").write_bytes(self._central.pki.ca_file.read_bytes())
        environment = {"ROX_SENSOR_ENDPOINT": sensor, "ROX_METRICS_PORT": f"127.0.0.1:{free_port()}"}
        arguments = ["--listen", f"127.0.0.1:{self._port}", "--certs", str(files.cert.parent)]
        arguments += ["--state", str(directory / "state"), "--mounted", str(directory / "mounted")]
        return Process("admission", arguments, environment, directory / "admission.log")

    def admission_ready(self) -> bool:
        """Whether Admission has settings to decide by."""
        try:
            answer = httpx.get(
                f"https://127.0.0.1:{self._port}/ready",
                verify=False,  # noqa: S501 - the API server verifies it; this asks for readiness
            )
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    def stop(self) -> None:
        """End what was started; the last words are shown when the test failed."""
        for process in (self.collector, self.admission, self.sensor):
            if process.process is not None:
                process.kill()
                sys.stdout.write(f"{process.name}:\n{process.log.read_text()[-4000:]}\n")

    def webhooks(self) -> dict[str, Any]:
        """What the installation registers with the API server, by address instead of by Service."""
        bundle = base64.b64encode(self._central.pki.ca.cert_pem).decode()
        own = {"stackrox", "kube-system", "kube-public", "istio-system"}
        workloads = ["pods", "deployments", "deployments/scale", "replicasets", "replicationcontrollers"]
        workloads += ["statefulsets", "daemonsets", "cronjobs", "jobs"]
        streams = ["pods", "pods/exec", "pods/portforward", "pods/attach"]
        common: dict[str, Any] = {
            "sideEffects": "NoneOnDryRun",
            "admissionReviewVersions": ["v1", "v1beta1"],
            "failurePolicy": "Ignore",
            "timeoutSeconds": 12,
        }

        def hook(name: str, path: str, operations: list[str], resources: list[str]) -> dict[str, Any]:
            rule = {
                "operations": operations,
                "apiGroups": ["*"],
                "apiVersions": ["*"],
                "resources": resources,
            }
            url = f"https://{WEBHOOK_HOST}:{self._port}{path}"
            return {
                **common,
                "name": name,
                "rules": [rule],
                "clientConfig": {"url": url, "caBundle": bundle},
            }

        deploy = hook("policyeval.stackrox.io", "/validate", ["CREATE", "UPDATE"], workloads)
        deploy["namespaceSelector"] = {
            "matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": sorted(own)}
            ]
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "stackrox"},
            "webhooks": [deploy, hook("k8sevents.stackrox.io", "/events", ["CONNECT"], streams)],
        }
