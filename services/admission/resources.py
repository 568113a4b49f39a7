"""What Sensor told of the cluster: deployments, pods and namespaces, by name.

Filled by the stream from Sensor; read when a review names a pod or scales a workload. It
must not know reviews.
"""

from __future__ import annotations

import asyncio

from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmCtrlUpdateResourceRequest
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.policy.scope import PlaceLabels

_Place = tuple[str, str]


class Resources:
    """The cluster as Sensor describes it."""

    def __init__(self) -> None:
        self._deployments: dict[str, Deployment] = {}
        self._by_name: dict[_Place, str] = {}
        self._owner_of_pod: dict[_Place, str] = {}
        self._namespaces: dict[str, dict[str, str]] = {}
        self._cluster: dict[str, str] = {}
        self.synced = asyncio.Event()
        """Set once Sensor has sent everything that it knows."""

    def restart(self) -> None:
        """A new stream begins with everything again; what it does not name is gone."""
        self._deployments.clear()
        self._by_name.clear()
        self._owner_of_pod.clear()
        self._namespaces.clear()
        self.synced.clear()

    def apply(self, update: AdmCtrlUpdateResourceRequest) -> None:
        """Take one message."""
        removed = update.action == ResourceAction.REMOVE_RESOURCE
        match update.WhichOneof("resource"):
            case "deployment":
                self._on_deployment(update.deployment, removed=removed)
            case "pod":
                place = (update.pod.namespace, update.pod.name)
                if removed:
                    self._owner_of_pod.pop(place, None)
                else:
                    self._owner_of_pod[place] = update.pod.deployment_id
            case "namespace":
                if removed:
                    self._namespaces.pop(update.namespace.name, None)
                else:
                    self._namespaces[update.namespace.name] = dict(update.namespace.labels)
            case "cluster_labels":
                self._cluster = dict(update.cluster_labels.labels)
            case "synced":
                self.synced.set()
            case _:
                # A later Sensor may send kinds that this release does not use.
                return

    def deployment(self, namespace: str, name: str) -> Deployment | None:
        """The deployment of that name."""
        return self._deployments.get(self._by_name.get((namespace, name), ""))

    def of_pod(self, namespace: str, pod: str) -> Deployment | None:
        """The deployment that the pod belongs to."""
        return self._deployments.get(self._owner_of_pod.get((namespace, pod), ""))

    def places(self, namespace: str) -> PlaceLabels:
        """Labels of the cluster and of a namespace, for policies scoped by label."""
        return PlaceLabels(cluster=self._cluster, namespace=self._namespaces.get(namespace, {}))

    def _on_deployment(self, deployment: Deployment, *, removed: bool) -> None:
        place = (deployment.namespace, deployment.name)
        if not removed:
            self._deployments[deployment.id] = deployment
            self._by_name[place] = deployment.id
            return
        self._deployments.pop(deployment.id, None)
        # A new one of the same name may have come before the old one's removal.
        if self._by_name.get(place) == deployment.id:
            del self._by_name[place]
