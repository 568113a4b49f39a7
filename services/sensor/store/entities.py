"""Containers by the short id that Collector reports.

Filled from pods, read by the process pipeline. It must not know signals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.pb.storage.deployment_pb2 import Pod
from pyrox.workload.pods import SHORT_ID


@dataclass(frozen=True, slots=True)
class Container:
    """Where a container belongs."""

    deployment_id: str
    pod_id: str
    """The pod's name, which upstream calls its id."""
    pod_uid: str
    name: str
    namespace: str
    image_id: str
    started: Timestamp | None


class Entities:
    """Index of containers; ended ones stay as long as their pod."""

    def __init__(self) -> None:
        self._by_id: dict[str, Container] = {}
        self._of_pod: defaultdict[str, set[str]] = defaultdict(set)
        self._listeners: list[Callable[[str], None]] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def listen(self, listener: Callable[[str], None]) -> None:
        """Tell the listener of each short id that becomes known."""
        self._listeners.append(listener)

    def put(self, pod: Pod) -> None:
        """Learn the containers of a pod."""
        instances = [*pod.live_instances, *(i for group in pod.terminated_instances for i in group.instances)]
        for instance in instances:
            key = instance.instance_id.id[:SHORT_ID]
            fresh = key not in self._by_id
            self._of_pod[pod.id].add(key)
            self._by_id[key] = Container(
                deployment_id=pod.deployment_id,
                pod_id=pod.name,
                pod_uid=pod.id,
                name=instance.container_name,
                namespace=pod.namespace,
                image_id=instance.image_digest,
                started=instance.started if instance.HasField("started") else None,
            )
            if fresh:
                for listener in self._listeners:
                    listener(key)

    def remove(self, pod_uid: str) -> None:
        """Forget the containers of a pod."""
        for key in self._of_pod.pop(pod_uid, ()):
            self._by_id.pop(key, None)

    def find(self, container_id: str) -> Container | None:
        """The container of a (short or long) id."""
        return self._by_id.get(container_id[:SHORT_ID])
