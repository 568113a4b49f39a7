"""Workloads and their pods as raw objects, and which pod belongs to which workload.

Written by the watch handlers, read by the resolver. Ownership follows owner references
through objects that are no deployments themselves (ReplicaSets, Jobs). It must not
know messages.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from pyrox.workload import objects, owners
from pyrox.workload.deployments import static_component, static_id

Json = dict[str, Any]
# A reference chain is Pod -> Job -> CronJob at its longest; a hostile one may be a circle.
_MAX_CHAIN = 8
_POD_SPEC_FIELDS = ("containers", "initContainers", "nodeName", "serviceAccountName", "hostNetwork")
_POD_STATUS_FIELDS = (
    "phase",
    "podIP",
    "podIPs",
    "startTime",
    "containerStatuses",
    "initContainerStatuses",
)
_POD_METADATA_FIELDS = (
    "name",
    "namespace",
    "uid",
    "labels",
    "ownerReferences",
    "creationTimestamp",
    "deletionTimestamp",
)


class Placed(NamedTuple):
    """What a new object changed."""

    deployments: list[str]
    """Ids of those to resolve again: the object itself, and those of the adopted pods."""
    adopted: list[Json]
    """Pods whose deployment is known only now."""


class Workloads:
    """Raw workloads by deployment id, and their pods."""

    def __init__(self) -> None:
        self.by_id: dict[str, Json] = {}
        self._parents: dict[str, str] = {}
        self._pods: dict[str, Json] = {}
        self._owner_of_pod: dict[str, str] = {}
        self._pods_of: defaultdict[str, dict[str, Json]] = defaultdict(dict)
        self._orphans: set[str] = set()

    def put(self, value: Json) -> Placed:
        """Store a workload or an object between workload and pod."""
        uid = objects.uid(value)
        parent = _tracked_owner(value)
        if parent:
            self._parents[uid] = parent
            self.by_id.pop(uid, None)
        else:
            self.by_id[uid] = value
        adopted = self._adopt()
        owners_found = dict.fromkeys(self._owner_of_pod[objects.uid(pod)] for pod in adopted)
        return Placed(list(owners_found if parent else {uid: None, **owners_found}), adopted)

    def remove(self, uid: str) -> bool:
        """Forget a workload or an object in between; whether it was a workload."""
        self._parents.pop(uid, None)
        return self.by_id.pop(uid, None) is not None

    def put_pod(self, value: Json, cluster_id: str) -> str:
        """Store a pod; the id of its deployment, empty while its owner is not known.

        A pod without an owner is a workload of its own, or one of a component's static
        pods, which are one workload together.
        """
        uid = objects.uid(value)
        slim = _slim(value)
        self._pods[uid] = slim
        owner = self._owner(slim) if _tracked_owner(slim) else self._own_workload(value, cluster_id)
        self._assign(uid, owner)
        return owner

    def remove_pod(self, uid: str) -> tuple[str, bool]:
        """Forget a pod; the id of its deployment, and whether that went with it."""
        self._pods.pop(uid, None)
        self._orphans.discard(uid)
        owner = self._owner_of_pod.pop(uid, "")
        self._pods_of[owner].pop(uid, None)
        if self._pods_of[owner]:
            return owner, False
        del self._pods_of[owner]
        is_pod = self.by_id.get(owner, {}).get("kind") == owners.POD
        if is_pod:
            del self.by_id[owner]
        return owner, is_pod

    def pods_of(self, deployment_id: str) -> list[Json]:
        """The live pods of a deployment."""
        return list(self._pods_of.get(deployment_id, {}).values())

    def pod(self, uid: str) -> Json | None:
        """The pod of that uid."""
        return self._pods.get(uid)

    def owner_of(self, uid: str) -> str:
        """The deployment id of a pod, empty while it is not known."""
        return self._owner_of_pod.get(uid, "")

    def _own_workload(self, value: Json, cluster_id: str) -> str:
        component = static_component(value)
        owner = static_id(cluster_id, component[1]) if component else str(objects.uid(value))
        self.by_id[owner] = value
        return owner

    def _owner(self, pod: Json) -> str:
        """Follow the references up to a workload; empty when it is not known yet."""
        current = _tracked_owner(pod)
        for _ in range(_MAX_CHAIN):
            if current in self.by_id:
                return current
            current = self._parents.get(current, "")
        return ""

    def _adopt(self) -> list[Json]:
        """Look again for the owners of pods that had none; the pods that found theirs."""
        found: list[Json] = []
        for uid in tuple(self._orphans):
            if owner := self._owner(self._pods[uid]):
                self._assign(uid, owner)
                found.append(self._pods[uid])
        return found

    def _assign(self, uid: str, owner: str) -> None:
        before = self._owner_of_pod.get(uid, "")
        if before and before != owner:
            self._pods_of[before].pop(uid, None)
        if not owner:
            self._orphans.add(uid)
            return
        self._orphans.discard(uid)
        self._owner_of_pod[uid] = owner
        self._pods_of[owner][uid] = self._pods[uid]


def _tracked_owner(value: Json) -> str:
    return next((owner.uid for owner in owners.owners(value) if owner.tracked), "")


def _slim(pod: Json) -> Json:
    """What is read of a pod later; the rest would be most of Sensor's memory."""
    return {
        "kind": owners.POD,
        "apiVersion": "v1",
        "metadata": _only(pod.get("metadata"), _POD_METADATA_FIELDS),
        "spec": _only(pod.get("spec"), _POD_SPEC_FIELDS),
        "status": _only(pod.get("status"), _POD_STATUS_FIELDS),
    }


def _only(value: object, fields: tuple[str, ...]) -> Json:
    return {field: value[field] for field in fields if field in value} if isinstance(value, dict) else {}
