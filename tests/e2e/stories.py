"""The workloads, policies and advisories of the user stories."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support import cluster
from tests.support.cluster import Json, apply, deployment, eventually, kubectl
from tests.support.helm_installation import CLUSTER_NAME, Installed

SHOP = "e2e-shop"
REFUSED = "E2E: no privileged containers"
SHELL = "E2E: nobody reads the password file"
WEB = "web"
_SECONDS = 180.0

POLICIES: list[dict[str, Any]] = [
    {
        "name": REFUSED,
        "description": "Privileged containers are refused.",
        "rationale": "They own the node.",
        "remediation": "Drop the privilege.",
        "categories": ["Privileges"],
        "lifecycleStages": ["DEPLOY"],
        "severity": "HIGH_SEVERITY",
        "scope": [{"namespace": SHOP}],
        "enforcementActions": ["SCALE_TO_ZERO_ENFORCEMENT"],
        "policyVersion": "1.1",
        "policySections": [
            {"policyGroups": [{"fieldName": "Privileged Container", "values": [{"value": "true"}]}]}
        ],
    },
    {
        "name": SHELL,
        "description": "Somebody reads the password file.",
        "categories": ["System Modification"],
        "lifecycleStages": ["RUNTIME"],
        "eventSource": "DEPLOYMENT_EVENT",
        "severity": "HIGH_SEVERITY",
        "scope": [{"namespace": SHOP}],
        "policyVersion": "1.1",
        "policySections": [
            {"policyGroups": [{"fieldName": "Process Arguments", "values": [{"value": ".*/etc/passwd.*"}]}]}
        ],
    },
]


def image() -> str:
    """An image that is on the cluster and has a shell: that of Central."""
    pods = cluster.pods("stackrox", "app=central")
    return str(pods[0]["spec"]["containers"][0]["image"])


class Stories:
    """The world of the user stories."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed

    def begin(self) -> None:
        """Make the namespace, the policies and a modest workload."""
        apply(cluster.namespace(SHOP))
        with self.installed.central() as client:
            for policy in POLICIES:
                made = client.post("/v1/policies", json=policy)
                assert made.status_code == httpx.codes.OK, made.text
        apply(deployment(SHOP, WEB, image()))
        kubectl("rollout", "status", "-n", SHOP, f"deployment/{WEB}", "--timeout=180s", seconds=200)

    def end(self) -> None:
        """Remove the namespace; the policies go with Central's data."""
        kubectl("delete", "namespace", SHOP, "--ignore-not-found", seconds=120)

    def refusal(self) -> str:
        """What the API server says to a privileged workload; empty when it takes it."""
        body = deployment(SHOP, "privileged", image(), privileged=True)
        done = apply(body, check=False)
        if done.returncode == 0:
            kubectl("delete", "deployment", "privileged", "-n", SHOP)
        return done.stderr if done.returncode else ""

    def enforced(self) -> str:
        """The refusal, once the policy has reached Admission."""
        return eventually(self.refusal, seconds=_SECONDS, what=f"{REFUSED} is enforced")

    def deployment_id(self, name: str) -> str:
        """Central's id of a workload; empty while it does not know it."""
        query = f"Cluster:{CLUSTER_NAME}+Namespace:{SHOP}+Deployment:{name}"
        found = self.installed.get("/v1/deployments", query=query)["deployments"]
        return str(found[0]["id"]) if found else ""

    def processes(self, name: str) -> list[Json]:
        """The process indicators of a workload."""
        found: list[Json] = self.installed.get(f"/v1/processes/deployment/{self.deployment_id(name)}")[
            "processes"
        ]
        return found


def registry_host() -> str:
    """The address of this machine that the cluster's pods reach; empty when it is not told."""
    return os.environ.get("E2E_HOST", "")


@contextmanager
def registry(directory: Path, host: str, port: int) -> Iterator[str]:
    """Debian's docker-registry without TLS at an address that pods reach."""
    (directory / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: '{host}:{port}'}}\n"
        f"storage: {{filesystem: {{rootdirectory: {directory}/data}}}}\n"
    )
    process = subprocess.Popen(["docker-registry", "serve", str(directory / "config.yml")])
    try:
        eventually(lambda: _answers(host, port), seconds=60, what="docker-registry answers")
        yield f"{host}:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(host: str, port: int) -> bool:
    try:
        return httpx.get(f"http://{host}:{port}/v2/", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
