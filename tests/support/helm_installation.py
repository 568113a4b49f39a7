"""Both charts on a cluster, installed as their README says, and Central as its administrator sees it."""

from __future__ import annotations

import base64
import os
import shutil
import ssl
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support import cluster
from tests.support.cluster import Json, forwarded, helm, items, kubectl

ROOT = Path(__file__).resolve().parents[2]
CHARTS = ROOT / "deploy" / "helm"
NAMESPACE = "stackrox"
CENTRAL, SECURED = "stackrox-central-services", "stackrox-secured-cluster-services"
CLUSTER_NAME = "e2e"
READY = "5m"
KEPT_SECRETS = (
    "central-tls",
    "central-db-tls",
    "central-db-password",
    "central-htpasswd",
    "scanner-v4-db-password",
    "scanner-v4-db-tls",
    "scanner-v4-indexer-tls",
    "scanner-v4-matcher-tls",
    # Made from an init bundle's values.
    "sensor-tls",
    "collector-tls",
    "admission-control-tls",
)


def profile() -> Sequence[str]:
    """The values of every install; `E2E_VALUES` names a file with more, for instance of another registry."""
    more = os.environ.get("E2E_VALUES", "")
    return ("--set", "profile=tiny", *(("-f", more) if more else ()))


@dataclass
class Installed:
    """What is installed, and how to speak to it."""

    directory: Path
    """Scratch: bundles and backups."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each install took until all was ready."""

    def install_central(self) -> None:
        """The first chart, until every pod is ready."""
        begun = time.monotonic()
        where = ("-n", NAMESPACE, "--create-namespace")
        helm(
            "install",
            CENTRAL,
            str(CHARTS / "central-services"),
            *where,
            *profile(),
            "--wait",
            "--timeout",
            READY,
        )
        self.seconds["central"] = time.monotonic() - begun

    def install_secured(self, bundle: Path) -> None:
        """The second chart with an init bundle, until every pod is ready."""
        begun = time.monotonic()
        values = ("-f", str(bundle), "--set", f"clusterName={CLUSTER_NAME}")
        where = ("-n", NAMESPACE)
        chart = str(CHARTS / "secured-cluster-services")
        helm("install", SECURED, chart, *where, *profile(), *values, "--wait", "--timeout", READY)
        self.seconds["secured"] = time.monotonic() - begun

    def bundle(self, name: str) -> Path:
        """A new init bundle, as Helm values."""
        path = self.directory / f"{name}.yaml"
        path.unlink(missing_ok=True)
        self.roxctl("central", "init-bundles", "generate", name, "--output", str(path))
        return path

    def uninstall(self) -> None:
        """Both charts, the secured cluster first."""
        for release in (SECURED, CENTRAL):
            helm("uninstall", release, "-n", NAMESPACE, "--ignore-not-found", "--wait", "--timeout", "3m")

    def remove(self) -> None:
        """Everything, the kept objects included."""
        self.uninstall()
        kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait", seconds=180)

    def password(self) -> str:
        """The administrator's password, read as the notes of the chart say."""
        secret = cluster.got("secret", "central-htpasswd", "-n", NAMESPACE)
        return base64.b64decode(secret["data"]["password"]).decode()

    def authority(self) -> str:
        """The CA in PEM."""
        secret = cluster.got("secret", "central-tls", "-n", NAMESPACE)
        return base64.b64decode(secret["data"]["ca.pem"]).decode()

    @contextmanager
    def central(self) -> Iterator[httpx.Client]:
        """A client of Central's API with the administrator's rights."""
        context = ssl.create_default_context(cadata=self.authority())
        context.check_hostname = False
        with (
            forwarded(NAMESPACE, "svc/central", 443) as port,
            httpx.Client(
                base_url=f"https://127.0.0.1:{port}",
                auth=("admin", self.password()),
                verify=context,
                timeout=60,
                trust_env=False,
            ) as client,
        ):
            yield client

    def get(self, path: str, **query: str) -> Any:
        """Central's answer."""
        with self.central() as client:
            answer = client.get(path, params=query)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def roxctl(self, *words: str, seconds: float = 120) -> str:
        """What roxctl prints against this Central."""
        ca = self.directory / "ca.pem"
        ca.write_text(self.authority())
        with forwarded(NAMESPACE, "svc/central", 443) as port:
            done = cluster.run(
                _roxctl(),
                "--endpoint", f"127.0.0.1:{port}",
                "--ca", str(ca),
                "--server-name", f"central.{NAMESPACE}",
                "--password", self.password(),
                *words,
                seconds=seconds,
            )  # fmt: skip
        return done.stdout + done.stderr

    def alerts(self, policy: str, deployment: str) -> list[Json]:
        """Active alerts of a policy on a deployment."""
        found: list[Json] = self.get("/v1/alerts", query=f"Policy:{policy}+Deployment:{deployment}")["alerts"]
        return found

    def cluster_id(self) -> str:
        """The id of the secured cluster; empty while Central does not know it."""
        known = {one["name"]: one["id"] for one in self.get("/v1/clusters")["clusters"]}
        return str(known.get(CLUSTER_NAME, ""))

    def healthy(self) -> bool:
        """Whether the secured cluster's Sensor is connected and well."""
        found = [one for one in self.get("/v1/clusters")["clusters"] if one["name"] == CLUSTER_NAME]
        return bool(found) and found[0].get("healthStatus", {}).get("sensorHealthStatus") == "HEALTHY"


def _roxctl() -> str:
    found = shutil.which("roxctl", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert found is not None, "roxctl is not in the virtual environment"
    return found


def left_behind() -> dict[str, set[str]]:
    """Names of what is in the namespace, by kind, the cluster's own apart."""
    kinds = ("secrets", "persistentvolumeclaims", "configmaps", "deployments", "daemonsets", "services",
             "serviceaccounts", "roles", "rolebindings", "networkpolicies", "jobs", "pods",
             "poddisruptionbudgets")  # fmt: skip
    own = {"kube-root-ca.crt", "default"}
    found = {kind: {one["metadata"]["name"] for one in items(kind, "-n", NAMESPACE)} - own for kind in kinds}
    return {kind: names for kind, names in found.items() if names}
