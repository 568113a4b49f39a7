"""Who this Sensor is in its cluster, so that Central can tell two Sensors of one cluster apart."""

from __future__ import annotations

import asyncio

from pyrox import log
from pyrox.errors import RoxError
from pyrox.k8s import kinds
from pyrox.k8s.client import KubeClient
from pyrox.pb.storage.cluster_pb2 import SensorDeploymentIdentification
from pyrox.workload import objects

_LOG = log.get(__name__)
_SECONDS = 10.0


async def identify(client: KubeClient, namespace: str) -> SensorDeploymentIdentification:
    """Ids of the cluster's namespaces and of Sensor's account; what cannot be read stays empty.

    Asked once per process: values that came and went would look like another cluster.
    """
    found = SensorDeploymentIdentification(app_namespace=namespace)
    places = {
        "system_namespace_id": f"{kinds.NAMESPACE.path}/kube-system",
        "default_namespace_id": f"{kinds.NAMESPACE.path}/default",
        "app_namespace_id": f"{kinds.NAMESPACE.path}/{namespace}",
        "app_serviceaccount_id": kinds.SERVICE_ACCOUNT.in_namespace(namespace, "sensor"),
    }
    try:
        async with asyncio.timeout(_SECONDS):
            for field, path in places.items():
                setattr(found, field, await _uid(client, path))
    except TimeoutError:
        _LOG.warning("the API server does not answer; this Sensor is known by its namespace only")
        return SensorDeploymentIdentification(app_namespace=namespace)
    return found


async def _uid(client: KubeClient, path: str) -> str:
    try:
        return str(objects.uid(await client.get(path)))
    except RoxError as error:
        _LOG.info("part of Sensor's identity is unknown", path=path, error=error.message)
        return ""
