"""Pods: messages of their own, deployments when nobody owns them, containers by id."""

from __future__ import annotations

from dataclasses import dataclass

from pyrox.k8s import kinds
from pyrox.k8s.client import Json
from pyrox.k8s.watch import Change
from pyrox.workload import objects, owners
from pyrox.workload.deployments import finished
from pyrox.workload.pods import addresses, to_pod
from services.sensor.link.events import Origin
from services.sensor.watch.handlers import Desk, Sinks

_ORIGIN = Origin("Pod", "Pod")


@dataclass(frozen=True, slots=True)
class Pods:
    """Stores pods, publishes them and marks their deployments."""

    desk: Desk

    async def __call__(self, change: Change, value: Json) -> None:
        """Handle one change."""
        if change is Change.DELETED or (finished(value) and not owners.is_owned(value)):
            self._gone(objects.uid(value))
            return
        deployment_id = self.desk.workloads.put_pod(value, self.desk.cluster_id())
        self.desk.resolver.mark(deployment_id, "" if not owners.is_owned(value) else "Pod")
        publish_pod(self.desk, value)

    def _gone(self, uid: str) -> None:
        deployment_id, _ = self.desk.workloads.remove_pod(uid)
        self.desk.entities.remove(uid)
        self.desk.places.remove_pod(uid)
        self.desk.publisher.remove("pod", uid)
        self.desk.resolver.mark(deployment_id, "Pod")


def publish_pod(desk: Desk, value: Json) -> None:
    """Publish the pod's message once its deployment is known, and learn its containers."""
    uid = objects.uid(value)
    deployment_id = desk.workloads.owner_of(uid)
    if not deployment_id:
        return
    message = to_pod(value, deployment_id=deployment_id, cluster_id=desk.cluster_id())
    desk.entities.put(message)
    # A pod on the host's network has its node's address, and so have others.
    own = [] if objects.flag(objects.child(value, "spec"), "hostNetwork") else addresses(value)
    desk.places.put_pod(uid, deployment_id, own)
    desk.publisher.upsert("pod", uid, message, _ORIGIN)


def publish_all(desk: Desk) -> None:
    """Publish all pods again, after Central gave the cluster another id."""
    for message in list(desk.messages.pods()):
        value = desk.workloads.pod(message.id)
        if value is not None:
            publish_pod(desk, value)


def sinks(desk: Desk) -> Sinks:
    """The kind handled here."""
    return {kinds.POD: Pods(desk)}
