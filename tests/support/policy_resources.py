"""SecurityPolicy resources on a real API server, and the config controller as a process.

Tests of policies as code make one `PolicyCluster` over a control plane and a running Central.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support import kube
from tests.support.central import ROOT, RunningCentral
from tests.support.kube import Cluster
from tests.support.pg import free_port
from tests.support.secured import eventually

NAMESPACE, ACCOUNT = "stackrox", "config-controller"
CRD = ROOT / "deploy/helm/central-services/files/securitypolicies.config.stackrox.io.yaml"
RULES = [
    {
        "apiGroups": ["config.stackrox.io"],
        "resources": ["securitypolicies", "securitypolicies/status"],
        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
    }
]
"""The rights that the chart gives; a test of the chart compares."""
SECONDS = 120.0


def resource(name: str, policy_name: str = "", **spec: Any) -> dict[str, Any]:
    """A resource whose policy finds images with the tag `latest`."""
    return {
        "apiVersion": "config.stackrox.io/v1alpha1",
        "kind": "SecurityPolicy",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "policyName": policy_name or f"Resource {name}",
            "description": "Found by its tag.",
            "categories": ["DevOps Best Practices"],
            "lifecycleStages": ["BUILD", "DEPLOY"],
            "severity": "LOW_SEVERITY",
            "policySections": [
                {"policyGroups": [{"fieldName": "Image Tag", "values": [{"value": "latest"}]}]}
            ],
            **spec,
        },
    }


class PolicyCluster:
    """The resources of a cluster, Central, and the controller between them."""

    def __init__(self, cluster: Cluster, central: RunningCentral, directory: Path) -> None:
        self.cluster = cluster
        self.central = central
        self.directory = directory
        self._log = directory / "controller.log"
        self._health = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        """What the chart installs, but for the Deployment."""
        self.cluster.apply(kube.namespace(NAMESPACE))
        self.cluster.must("apply", "-f", str(CRD))
        self.cluster.must(
            "wait", "--for=condition=Established", "crd/securitypolicies.config.stackrox.io", "--timeout=60s"
        )
        group = "rbac.authorization.k8s.io"
        inside = {"name": ACCOUNT, "namespace": NAMESPACE}
        self.cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": inside})
        self.cluster.apply({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": inside, "rules": RULES})
        self.cluster.apply(
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": inside,
                "roleRef": {"apiGroup": group, "kind": "Role", "name": ACCOUNT},
                "subjects": [{"kind": "ServiceAccount", **inside}],
            }
        )
        (self.directory / "certs").mkdir()
        (self.directory / "certs" / "ca.pem").write_bytes(self.central.pki.ca.cert_pem)
        token = self.cluster.must(
            "create", "token", ACCOUNT, "-n", NAMESPACE, "--audience=central.stackrox.io"
        )
        (self.directory / "token").write_text(token)
        (self.directory / "kubeconfig").write_text(self._kubeconfig())

    def ensure_started(self) -> None:
        """Start the controller unless it runs, and wait until it knows the resources."""
        if self._process is not None:
            return
        command = [sys.executable, "-m", "services", "config_controller"]
        command += [f"--health-probe-bind-address=127.0.0.1:{self._health}"]
        command += ["--certs", str(self.directory / "certs"), "--token", str(self.directory / "token")]
        environment = {
            "KUBECONFIG": str(self.directory / "kubeconfig"),
            "POD_NAMESPACE": NAMESPACE,
            "ROX_CENTRAL_ENDPOINT": f"127.0.0.1:{self.central.port}",
            "ROX_CONFIG_CONTROLLER_RECONCILE_INTERVAL": "2s",
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=ROOT, env={**os.environ, **environment}
            )
        eventually(lambda: self.probe("readyz") == 200, seconds=SECONDS, what=f"readiness, see {self._log}")

    def probe(self, path: str) -> int:
        """The status of a probe; 0 when nobody answers."""
        try:
            return httpx.get(f"http://127.0.0.1:{self._health}/{path}", timeout=5).status_code
        except httpx.TransportError:
            return 0

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(timeout=60)
        self._process = None
        return code

    def log(self) -> str:
        """What the controller wrote."""
        return self._log.read_text()

    def get(self, name: str) -> dict[str, Any] | None:
        """The resource, if it is there."""
        done = self.cluster.kubectl("get", "sp", name, "-n", NAMESPACE, "-o", "json")
        found: dict[str, Any] | None = json.loads(done.stdout) if done.returncode == 0 else None
        return found

    def condition(self, name: str, kind: str) -> tuple[str, str]:
        """Status and message of a condition; empty while there is none."""
        status = (self.get(name) or {}).get("status", {})
        for one in status.get("conditions", ()):
            if one["type"] == kind:
                return one["status"], one["message"]
        return "", ""

    def accepted(self, name: str) -> bool:
        """Whether Central has taken the policy of the resource's newest form."""
        return self.condition(name, "AcceptedByCentral")[0] == "True"

    def delete(self, name: str, *words: str) -> None:
        """`kubectl delete`, which waits until the resource is gone."""
        self.cluster.must("delete", "sp", name, "-n", NAMESPACE, "--timeout=50s", *words)

    def policies(self) -> dict[str, dict[str, Any]]:
        """What Central lists of policies that are managed from outside, by name."""
        with self.central.client() as client:
            answer = client.get("/v1/policies")
        assert answer.status_code == 200, answer.text
        return {one["name"]: one for one in answer.json()["policies"] if one["source"] == "DECLARATIVE"}

    def policy(self, policy_id: str) -> dict[str, Any]:
        """A whole policy."""
        with self.central.client() as client:
            answer = client.get(f"/v1/policies/{policy_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def _kubeconfig(self) -> str:
        """The owner's, but with the account's token."""
        shown = self.cluster.must("config", "view", "--raw", "-o", "json")
        config: dict[str, Any] = json.loads(shown)
        token = self.cluster.must("create", "token", ACCOUNT, "-n", NAMESPACE).strip()
        config["users"] = [{"name": one["name"], "user": {"token": token}} for one in config["users"]]
        return json.dumps(config)


@contextmanager
def policy_cluster(cluster: Cluster, central: RunningCentral, directory: Path) -> Iterator[PolicyCluster]:
    """Everything installed; the controller is the test's to start, and ends here."""
    made = PolicyCluster(cluster, central, directory)
    made.install()
    try:
        yield made
    finally:
        made.kill()
