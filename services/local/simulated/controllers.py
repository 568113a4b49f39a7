"""What the controllers of a cluster do at once: ReplicaSets and pods for workloads, statuses.

The API calls `settle` after every write. Container ids and image digests are made up
from names, so that they stay the same over restarts. It must not know HTTP.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyrox.k8s import kinds
from pyrox.k8s.kinds import Kind
from services.local.simulated.store import Json, Store, name_of, namespace_of

OWNERS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        kinds.DEPLOYMENT,
        kinds.REPLICA_SET,
        kinds.STATEFUL_SET,
        kinds.DAEMON_SET,
        kinds.REPLICATION_CONTROLLER,
        kinds.JOB,
        kinds.CRON_JOB,
    )
}
_OWNED = (kinds.REPLICA_SET, kinds.POD, kinds.JOB)
_MAX_REPLICAS = 500
DigestOf = Callable[[str], str]
"""The digest (`sha256:…`) of an image reference."""


class Controllers:
    """Brings what workloads own in line with them."""

    def __init__(self, *, store: Store, digest_of: DigestOf) -> None:
        self._store = store
        self._digest_of = digest_of
        self._used: set[str] = set()

    def settle(self, kind: Kind, value: Json) -> None:
        """React to a new state of an object."""
        if kind == kinds.POD:
            self._adopt_bare(value)
        elif kind == kinds.DEPLOYMENT:
            self._deployment(value)
        elif kind in {kinds.REPLICA_SET, kinds.STATEFUL_SET, kinds.REPLICATION_CONTROLLER}:
            self._replicated(kind, value, _replicas(value))
        elif kind == kinds.DAEMON_SET:
            self._replicated(kind, value, len(self._store.list(kinds.NODE)))
        elif kind == kinds.JOB:
            self._replicated(kind, value, 1)

    def removed(self, value: Json) -> None:
        """An object is gone: what it owned goes too, and what owned it makes a new one."""
        uid = value["metadata"]["uid"]
        for kind in _OWNED:
            for owned in self._store.owned(kind, uid):
                self._store.delete(kind, namespace_of(owned), name_of(owned))
                self.removed(owned)
        for owner in _owners(value):
            kind_of_owner = OWNERS.get(str(owner.get("kind")))
            if kind_of_owner is not None:
                living = self._store.get(kind_of_owner, namespace_of(value), str(owner.get("name")))
                if living is not None and living["metadata"]["uid"] == owner.get("uid"):
                    self.settle(kind_of_owner, living)

    def _deployment(self, value: Json) -> None:
        template = value["spec"].get("template") or {}
        wanted = f"{name_of(value)}-{_short(repr(template), 10)}"
        for old in self._owned(kinds.REPLICA_SET, value):
            if name_of(old) != wanted and _replicas(old):
                self._put(kinds.REPLICA_SET, {**old, "spec": {**old["spec"], "replicas": 0}})
        metadata = {
            "name": wanted,
            "namespace": namespace_of(value),
            "labels": {
                **_labels(template),
                "pod-template-hash": wanted.rpartition("-")[2],
            },
            "ownerReferences": [_owner(kinds.DEPLOYMENT, value)],
            "creationTimestamp": value["metadata"]["creationTimestamp"],
        }
        spec = {
            "replicas": _replicas(value),
            "selector": value["spec"].get("selector"),
            "template": {
                **template,
                "metadata": {**(template.get("metadata") or {}), "labels": metadata["labels"]},
            },
        }
        self._put(kinds.REPLICA_SET, {"metadata": metadata, "spec": spec})
        ready = sum(_running(pod) for rs in self._owned(kinds.REPLICA_SET, value) for pod in self._pods(rs))
        self._status(kinds.DEPLOYMENT, value, _replicas(value), ready)

    def _replicated(self, kind: Kind, value: Json, wanted: int) -> None:
        wanted = min(wanted, _MAX_REPLICAS)
        pods = self._pods(value)
        template = value["spec"].get("template") or {}
        stale = [pod for pod in pods if not _fits(pod, template)]
        fresh = [pod for pod in pods if _fits(pod, template)]
        for pod in [*stale, *fresh[wanted:]]:
            self._store.delete(kinds.POD, namespace_of(pod), name_of(pod))
        for index in self._missing(kind, value, fresh[:wanted], wanted):
            self._store.put(kinds.POD, self._pod(kind, value, self._pod_name(kind, value, index), index))
        running = [pod for pod in self._pods(value) if _running(pod)]
        self._status(kind, value, wanted, len(running))

    def _missing(self, kind: Kind, value: Json, pods: list[Json], wanted: int) -> list[int]:
        """Numbers of the pods to make: ordinals, nodes, or any that are not there yet."""
        if kind == kinds.STATEFUL_SET:
            names = {name_of(pod) for pod in pods}
            return [index for index in range(wanted) if f"{name_of(value)}-{index}" not in names]
        if kind == kinds.DAEMON_SET:
            covered = {pod["spec"].get("nodeName") for pod in pods}
            nodes = self._store.list(kinds.NODE)
            return [index for index, node in enumerate(nodes) if name_of(node) not in covered]
        return list(range(len(pods), wanted))

    def _pod_name(self, kind: Kind, value: Json, index: int) -> str:
        """Stateful sets count; the others end in five letters that were not used before."""
        if kind == kinds.STATEFUL_SET:
            return f"{name_of(value)}-{index}"
        uid, turn = value["metadata"]["uid"], 0
        while True:
            name = f"{name_of(value)}-{_short(f'{uid}/{index}/{turn}', 5)}"
            if name not in self._used:
                self._used.add(name)
                return name
            turn += 1

    def _pod(self, kind: Kind, owner: Json, name: str, index: int) -> Json:
        template = owner["spec"].get("template") or {}
        metadata: Json = {
            **{
                key: v
                for key, v in (template.get("metadata") or {}).items()
                if key in {"labels", "annotations"}
            },
            "name": name,
            "namespace": namespace_of(owner),
            "ownerReferences": [_owner(kind, owner)],
            "creationTimestamp": owner["metadata"]["creationTimestamp"],
        }
        return self._placed({"metadata": metadata, "spec": dict(template.get("spec") or {})}, index, kind)

    def _adopt_bare(self, pod: Json) -> None:
        """Run a pod that nobody owns."""
        if not pod.get("status"):
            self._store.put(kinds.POD, self._placed(pod, 0, kinds.POD))

    def _placed(self, pod: Json, index: int, owner: Kind) -> Json:
        """The pod on a node with running containers, or pending when no node fits."""
        nodes = [node for node in self._store.list(kinds.NODE) if _selects(pod["spec"], node)]
        name = f"{namespace_of(pod)}/{name_of(pod)}"
        if not nodes:
            return {**pod, "status": {"phase": "Pending", "conditions": [_unschedulable()]}}
        seed = int(_digest(name)[:8], 16)
        node = nodes[(index if owner == kinds.DAEMON_SET else seed) % len(nodes)]
        started = self._store.now() if owner == kinds.POD else pod["metadata"]["creationTimestamp"]
        spec = {"serviceAccountName": "default", **pod["spec"], "nodeName": name_of(node)}
        status = {
            "phase": "Running",
            "hostIP": node["status"]["addresses"][0]["address"],
            "podIP": f"10.244.{seed % 250}.{seed // 250 % 250 + 2}",
            "startTime": started,
            "conditions": [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready")],
            "containerStatuses": [
                self._container(name, container, started) for container in spec.get("containers") or []
            ],
            "initContainerStatuses": [
                self._finished(name, container, started) for container in spec.get("initContainers") or []
            ],
        }
        return {**pod, "spec": spec, "status": status}

    def _container(self, pod: str, container: Json, started: str) -> Json:
        image = str(container.get("image"))
        return {
            "name": container.get("name"),
            "image": image,
            "imageID": f"{_repository(image)}@{self._digest_of(image)}",
            "containerID": f"containerd://{container_id(pod, str(container.get('name')))}",
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": started}},
        }

    def _finished(self, pod: str, container: Json, started: str) -> Json:
        ended = {"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": started}
        return {
            **self._container(pod, container, started),
            "started": False,
            "state": {"terminated": ended},
        }

    def _pods(self, owner: Json) -> Sequence[Json]:
        return self._owned(kinds.POD, owner)

    def _owned(self, kind: Kind, owner: Json) -> Sequence[Json]:
        return self._store.owned(kind, owner["metadata"]["uid"])

    def _put(self, kind: Kind, value: Json) -> None:
        """Write when it differs, then settle what it owns."""
        known = self._store.get(kind, namespace_of(value), name_of(value))
        if known is None or known.get("spec") != value.get("spec"):
            value = self._store.put(kind, {**(known or {}), **value})
            self.settle(kind, value)

    def _status(self, kind: Kind, value: Json, wanted: int, ready: int) -> None:
        current = self._store.get(kind, namespace_of(value), name_of(value))
        if current is None:
            return
        generation = current["metadata"].get("generation", 1)
        status: dict[str, Any]
        if kind == kinds.DAEMON_SET:
            status = {
                "desiredNumberScheduled": wanted,
                "currentNumberScheduled": wanted,
                "numberAvailable": ready,
                "numberReady": ready,
                "observedGeneration": generation,
            }
        elif kind == kinds.JOB:
            status = {"active": ready}
        else:
            status = {
                "replicas": wanted,
                "readyReplicas": ready,
                "availableReplicas": ready,
                "updatedReplicas": wanted,
                "observedGeneration": generation,
            }
        if current.get("status") != status:
            self._store.put(kind, {**current, "status": status})


def container_id(pod: str, container: str) -> str:
    """The 64 digits of a container of `namespace/pod`."""
    return _digest(f"container {pod}/{container}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _short(text: str, length: int) -> str:
    """Letters as Kubernetes takes them for names: no vowels, so no words."""
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    return "".join(alphabet[byte % len(alphabet)] for byte in hashlib.sha256(text.encode()).digest()[:length])


def _replicas(value: Json) -> int:
    found = value["spec"].get("replicas")
    return 1 if found is None else max(0, int(found))


def _labels(template: Json) -> dict[str, str]:
    return dict((template.get("metadata") or {}).get("labels") or {})


def _owners(value: Json) -> list[Json]:
    return list(value["metadata"].get("ownerReferences") or [])


def _owner(kind: Kind, value: Json) -> Json:
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "name": name_of(value),
        "uid": value["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _running(pod: Json) -> bool:
    return bool(pod.get("status", {}).get("phase") == "Running")


def _fits(pod: Json, template: Json) -> bool:
    """Whether the pod was made from this template."""
    wanted = template.get("spec") or {}
    return all(pod["spec"].get(key) == value for key, value in wanted.items())


def _selects(spec: Json, node: Json) -> bool:
    labels = node["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in (spec.get("nodeSelector") or {}).items())


def _unschedulable() -> Json:
    return {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "no node of the simulated cluster matches the pod's node selector",
    }


def _repository(image: str) -> str:
    """The reference without its tag or digest."""
    image = image.partition("@")[0]
    head, colon, tail = image.rpartition(":")
    return head if colon and "/" not in tail else image
