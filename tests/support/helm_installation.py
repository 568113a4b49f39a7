"""Both charts on a cluster, installed as their README says, and Central as its administrator sees it."""

from __future__ import annotations

import base64
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
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
CLUSTER_NAME = "demo"
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


def more_values() -> tuple[str, ...]:
    """Flags for a file with more values, for instance of another registry, when `E2E_VALUES` names one."""
    path = os.environ.get("E2E_VALUES", "")
    return ("--values", path) if path else ()


def readme_commands() -> str:
    """The README's own way to install, less the building of images and the wait at the end."""
    section = (ROOT / "README.md").read_text().partition("## Install into a cluster")[2]
    block = section.partition("```sh\n")[2].partition("```")[0]
    commands = re.split(r"(?<!\\)\n", block.strip())
    kept = [one for one in commands if not one.startswith("make ") and " port-forward " not in one]
    assert len(kept) == len(commands) - 2 > 0
    more = " ".join(more_values())
    return "\n".join(f"{one} {more}" if one.startswith("helm install") else one for one in kept)


@dataclass
class Installed:
    """What is installed, and how to speak to it."""

    directory: Path
    """Scratch: bundles and backups."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each install took until all was ready."""

    def install_as_the_readme_says(self) -> None:
        """Both charts, by the README's commands word for word, until every pod is ready."""
        (self.directory / "deploy").symlink_to(ROOT / "deploy")
        begun = time.monotonic()
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", readme_commands()],
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.seconds["both charts"] = time.monotonic() - begun

    def install_central(self) -> None:
        """The first chart, until every pod is ready."""
        begun = time.monotonic()
        where = ("-n", NAMESPACE, "--create-namespace")
        helm(
            "install",
            CENTRAL,
            str(CHARTS / "central-services"),
            *where,
            "--set",
            "profile=tiny",
            *more_values(),
            "--wait",
            "--timeout",
            READY,
        )
        self.seconds["central"] = time.monotonic() - begun

    def install_secured(self) -> None:
        """The second chart with the same init bundle, until every pod is ready."""
        begun = time.monotonic()
        values = ("-f", str(self.bundle), "--set", f"clusterName={CLUSTER_NAME}")
        where = ("-n", NAMESPACE)
        chart = str(CHARTS / "secured-cluster-services")
        helm(
            "install",
            SECURED,
            chart,
            *where,
            "--set",
            "profile=tiny",
            *more_values(),
            *values,
            "--wait",
            "--timeout",
            READY,
        )
        self.seconds["secured"] = time.monotonic() - begun

    @property
    def bundle(self) -> Path:
        """The init bundle that the README's commands made."""
        return self.directory / "bundle.yaml"

    def uninstall(self) -> None:
        """Both charts, the secured cluster first."""
        for release in (SECURED, CENTRAL):
            # Foreground: what Helm waits for is gone only when its pods have drained and ended.
            words = ("--ignore-not-found", "--wait", "--timeout", "6m", "--cascade", "foreground")
            helm("uninstall", release, "-n", NAMESPACE, *words)

    def remove(self) -> None:
        """Everything, the kept objects included."""
        self.uninstall()
        kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait", seconds=300)

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

    def healthy(self, name: str = CLUSTER_NAME) -> bool:
        """Whether the Sensor of a cluster is connected and well."""
        found = [one for one in self.get("/v1/clusters")["clusters"] if one["name"] == name]
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
