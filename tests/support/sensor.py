"""A whole Sensor in the test's own process, on loopback, with real TLS and gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pyrox.clock import SystemClock
from pyrox.service import Supervisor
from services.sensor import config as settings
from services.sensor.app import App, build
from tests.support.central_link import CentralLinkServer
from tests.support.fake_k8s import FakeKubernetes
from tests.support.pki import SENSOR, Pki
from tests.support.waiting import until

Json = dict[str, Any]


def workload(
    name: str, *, kind: str = "Deployment", uid: str = "", image: str = "nginx:1.25", **container: Any
) -> Json:
    """A Deployment-like object in the namespace `shop`."""
    labels = {"app": name}
    pod = {"containers": [{"name": "main", "image": image, **container}]}
    return {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": uid or f"uid-{name}",
            "creationTimestamp": "2026-11-24T08:00:00Z",
        },
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
        "kind": kind,
    }


def pod(
    name: str,
    owner: str,
    *,
    container_id: str = "ab" * 32,
    owner_kind: str = "ReplicaSet",
    image: str = "nginx:1.25",
) -> Json:
    """A running pod of the object with the uid `uid-<owner>`."""
    reference = {"apiVersion": "apps/v1", "kind": owner_kind, "name": owner, "uid": f"uid-{owner}"}
    return {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "ownerReferences": [reference],
            "creationTimestamp": "2026-11-24T08:00:00Z",
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "main", "image": image}]},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.7",
            "containerStatuses": [
                {
                    "name": "main",
                    "image": image,
                    "imageID": "docker-pullable://nginx@sha256:" + "d" * 64,
                    "containerID": f"containerd://{container_id}",
                    "state": {"running": {"startedAt": "2026-11-24T08:00:01Z"}},
                }
            ],
        },
    }


def replica_set(name: str, owner: str) -> Json:
    """A ReplicaSet of the Deployment with the uid `uid-<owner>`."""
    made = workload(name, kind="ReplicaSet")
    made["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": owner, "uid": f"uid-{owner}"}
    ]
    return made


def config(
    kube: FakeKubernetes, central_port: int, pki: Pki, directory: Path, **more: str
) -> settings.Config:
    """Settings for a Sensor of this test."""
    files = pki.files(SENSOR)
    environment = {
        "ROX_CENTRAL_ENDPOINT": f"127.0.0.1:{central_port}",
        "ROX_MTLS_CERT_FILE": str(files.cert),
        "ROX_MTLS_KEY_FILE": str(files.key),
        "ROX_MTLS_CA_FILE": str(pki.ca_file),
        "KUBECONFIG": str(kube.kubeconfig(directory)),
        "ROX_SENSOR_CONNECTION_RETRY_INITIAL_INTERVAL": "50ms",
        "ROX_SENSOR_CONNECTION_RETRY_MAX_INTERVAL": "200ms",
        "ROX_DEDUPER_STATE_TIMEOUT": "2s",
        "ROX_METRICS_PORT": "127.0.0.1:0",
        **more,
    }
    return settings.load(["--listen", "127.0.0.1:0", "--cache", str(directory / "cache")], environment)


@asynccontextmanager
async def running_sensor(
    kube: FakeKubernetes, central: CentralLinkServer, pki: Pki, directory: Path, **environment: str
) -> AsyncIterator[App]:
    """Build, prepare and run a Sensor; it must not die."""
    app = await build(config(kube, central.port, pki, directory, **environment), SystemClock())
    try:
        await app.prepare()
        async with Supervisor(app.components).running() as died:
            yield app
            await asyncio.sleep(0)
            assert not died.done(), died.result()
        await until(lambda: not app.front.connections)
    finally:
        await app.close()
