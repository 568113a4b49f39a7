"""A real control plane (API server, etcd, controllers; no node) for tests, from the shared scripts."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Five ports from here on; away from the scripts' own default, so that one started by hand is left alone.
PORT = 17443
DIGEST = "sha256:" + "e" * 64
"""Of every image that a container is said to run."""
_START_SECONDS = 300


def kubectl() -> Path:
    """The client that the scripts built; there once a control plane was started."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("KUBE_NODE_CACHE") or Path(cache) / "kube-node") / "bin" / "kubectl"


class Cluster:
    """A cluster as its owner sees it, by `kubectl`."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def kubectl(self, *words: str, body: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        """One command to its end, whatever that is."""
        return subprocess.run(
            [kubectl(), "--kubeconfig", self.kubeconfig, *words],
            input=json.dumps(body) if body else None,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def must(self, *words: str, body: dict[str, Any] | None = None) -> str:
        """What a command wrote that must succeed."""
        done = self.kubectl(*words, body=body)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, body: dict[str, Any]) -> None:
        """`kubectl apply` that must succeed."""
        self.must("apply", "-f", "-", body=body)

    def objects(self, kinds: str) -> list[dict[str, Any]]:
        """What the API server has, in all namespaces."""
        found: list[dict[str, Any]] = json.loads(self.must("get", kinds, "-A", "-o", "json"))["items"]
        return found

    def bind(self, pod: dict[str, Any], node: str) -> None:
        """Put a pod on a node, as the scheduler does."""
        metadata = pod["metadata"]
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": metadata["name"]},
            "target": target,
        }
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/binding"
        self.must("create", "--raw", path, "-f", "-", body=body)

    def started(self, pod: dict[str, Any], **containers: str) -> None:
        """Say that these containers of a pod run under these ids, as the kubelet does."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        images = {one["name"]: one["image"] for one in pod["spec"]["containers"]}
        statuses = [
            {
                "name": name,
                "containerID": f"containerd://{identifier}",
                "image": images[name],
                "imageID": f"{images[name].rpartition(':')[0]}@{DIGEST}",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": now}},
            }
            for name, identifier in containers.items()
        ]
        status = {"status": {"phase": "Running", "startTime": now, "containerStatuses": statuses}}
        metadata = pod["metadata"]
        words = ("patch", "pod", metadata["name"], "-n", metadata["namespace"], "--subresource=status")
        self.must(*words, "--type=merge", "-p", json.dumps(status))


def namespace(name: str) -> dict[str, Any]:
    """A namespace to apply."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def node(name: str) -> dict[str, Any]:
    """A node to apply, on which no kubelet is."""
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


def deployment(
    name: str, *, namespace: str, privileged: bool, annotations: dict[str, str] | None = None
) -> dict[str, Any]:
    """A Deployment of one pod with one container, `main`, to apply."""
    labels = {"app": name}
    container = {
        "name": "main",
        "image": "registry.test/app:1",
        "securityContext": {"privileged": privileged},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations or {}},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def free_ports() -> int:
    """The first of five loopback ports in a row at which nobody listens now, below those of clients."""
    for first in range(PORT + 100, 32000, 5):
        try:
            with ExitStack() as held:
                for port in range(first, first + 5):
                    tried = held.enter_context(socket.socket())
                    tried.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no five free ports in a row")


@contextmanager
def control_plane(scripts: Path, directory: Path, *, port: int = PORT) -> Iterator[Path]:
    """Start it, yield the path of its kubeconfig, stop it and remove its data."""
    environment = {**os.environ, "KUBE_NODE_STATE": str(directory / "state"), "KUBE_NODE_PORT": str(port)}
    started = subprocess.run(
        [scripts / "up", "--control-plane-only"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_START_SECONDS,
        check=False,
    )
    try:
        assert started.returncode == 0, started.stderr
        yield Path(started.stdout.strip().splitlines()[-1])
    finally:
        subprocess.run(
            [scripts / "down", "--control-plane-only", "--purge"],
            env=environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
