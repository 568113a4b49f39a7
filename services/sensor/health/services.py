"""Health of the other services in the secured cluster: Collector and Admission.

Asked by the reports every 30 s; reads the Kubernetes API. Error texts are upstream's,
but for the one about lost runtime events, which stands with Collector's.
"""

from __future__ import annotations

from pyrox.errors import NotFound, RoxError
from pyrox.k8s import kinds
from pyrox.k8s.client import Json, KubeClient
from pyrox.pb.internalapi.central.cluster_status_pb2 import RawClusterHealthInfo
from pyrox.pb.storage.cluster_pb2 import AdmissionControlHealthInfo, CollectorHealthInfo
from pyrox.workload import objects
from services.sensor.health.losses import Losses

_COLLECTOR = "collector"
_ADMISSION = "admission-control"


class ServicesHealth:
    """Reads the state of the workloads."""

    def __init__(self, *, client: KubeClient, namespace: str, losses: Losses) -> None:
        self._client = client
        self._namespace = namespace
        self.losses = losses

    async def ask(self, *, nodes: int) -> RawClusterHealthInfo:
        """The health of both; what cannot be read is an error text in it, and so is what was lost."""
        info = RawClusterHealthInfo(
            collector_health_info=await self._collector(nodes),
            admission_control_health_info=await self._admission(),
        )
        info.collector_health_info.status_errors.extend(self.losses.errors())
        return info

    async def _collector(self, nodes: int) -> CollectorHealthInfo:
        info = CollectorHealthInfo(total_registered_nodes=nodes)
        try:
            found = await self._client.get(kinds.DAEMON_SET.in_namespace(self._namespace, _COLLECTOR))
        except NotFound:
            info.status_errors.append(
                f'unable to find collector DaemonSet in namespace "{self._namespace}": '
                f'daemonsets.apps "{_COLLECTOR}" not found'
            )
            return info
        except RoxError as error:
            info.status_errors.append(
                f'unable to find collector DaemonSet in namespace "{self._namespace}": {error.message}'
            )
            return info
        status = objects.child(found, "status")
        info.total_desired_pods = objects.number(status, "desiredNumberScheduled")
        info.total_ready_pods = objects.number(status, "numberReady")
        info.version = _version(found)
        return info

    async def _admission(self) -> AdmissionControlHealthInfo:
        info = AdmissionControlHealthInfo()
        place = f'unable to find admission control deployments in namespace "{self._namespace}": '
        try:
            found = await self._client.get(kinds.DEPLOYMENT.in_namespace(self._namespace, _ADMISSION))
        except NotFound:
            info.status_errors.append(f'{place}{place}deployments.apps "{_ADMISSION}" not found')
            return info
        except RoxError as error:
            info.status_errors.append(f"{place}{error.message}")
            return info
        info.total_desired_pods = objects.number(objects.child(found, "spec"), "replicas")
        info.total_ready_pods = objects.number(objects.child(found, "status"), "readyReplicas")
        return info


def _version(daemon_set: Json) -> str:
    """The tag of the collector container's image."""
    for container in objects.children(objects.child(daemon_set, "spec", "template", "spec"), "containers"):
        if objects.text(container, "name") == _COLLECTOR:
            return objects.text(container, "image").rpartition(":")[2]
    return ""
