"""Pods to `storage.Pod` and their container instances.

Called by Sensor. It must not know which deployment owns a pod; the caller says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyrox.pb.storage.container_runtime_pb2 import ContainerRuntime
from pyrox.pb.storage.deployment_pb2 import ContainerInstance, ContainerInstanceID, Pod
from pyrox.workload import objects
from pyrox.workload.images import digest_of_status
from pyrox.workload.objects import Object

_RUNTIMES = {
    "docker": ContainerRuntime.DOCKER_CONTAINER_RUNTIME,
    "cri-o": ContainerRuntime.CRIO_CONTAINER_RUNTIME,
}
_STATUS_LISTS = ("initContainerStatuses", "containerStatuses")
# Collector reports the first 12 characters of a container's id, so that is Sensor's key.
SHORT_ID = 12


def to_pod(value: Object, *, deployment_id: str, cluster_id: str) -> Pod:
    """The pod with its running and its ended containers."""
    pod = Pod(
        id=objects.uid(value),
        name=objects.name(value),
        deployment_id=deployment_id,
        namespace=objects.namespace(value),
        cluster_id=cluster_id,
    )
    started = objects.optional_timestamp(objects.child(value, "status"), "startTime")
    if started is not None:
        pod.started.CopyFrom(started)
    for status in _statuses(value):
        instance = _instance(value, status)
        if not instance.instance_id.id:
            continue
        if instance.HasField("finished"):
            pod.terminated_instances.add().instances.append(instance)
        else:
            pod.live_instances.append(instance)
    return pod


def runtime_of(container_id: str) -> tuple[ContainerRuntime.ValueType, str]:
    """Runtime and bare id of a status's `containerID`, `containerd://<64 hex>`."""
    scheme, separator, bare = container_id.partition("://")
    if not separator:
        return ContainerRuntime.UNKNOWN_CONTAINER_RUNTIME, scheme
    return _RUNTIMES.get(scheme, ContainerRuntime.UNKNOWN_CONTAINER_RUNTIME), bare


def addresses(pod: Object) -> list[str]:
    """The pod's IP addresses."""
    status = objects.child(pod, "status")
    many = [objects.text(item, "ip") for item in objects.children(status, "podIPs")]
    found = [address for address in many if address]
    one = objects.text(status, "podIP")
    return found or ([one] if one else [])


def _statuses(pod: Object) -> Iterator[Object]:
    status = objects.child(pod, "status")
    for key in _STATUS_LISTS:
        yield from objects.children(status, key)


def _instance(pod: Object, status: Object) -> ContainerInstance:
    runtime, bare = runtime_of(objects.text(status, "containerID"))
    instance = ContainerInstance(
        instance_id=ContainerInstanceID(
            container_runtime=runtime, id=bare, node=objects.text(objects.child(pod, "spec"), "nodeName")
        ),
        containing_pod_id=f"{objects.name(pod)}.{objects.namespace(pod)}@{objects.uid(pod)}",
        container_name=objects.text(status, "name"),
        container_ips=addresses(pod),
        image_digest=digest_of_status(objects.text(status, "imageID")),
    )
    _state(instance, objects.child(status, "state"))
    return instance


def _state(instance: ContainerInstance, state: Object) -> None:
    ended = objects.optional_child(state, "terminated")
    source = ended if ended is not None else objects.child(state, "running")
    started = objects.optional_timestamp(source, "startedAt")
    if started is not None:
        instance.started.CopyFrom(started)
    if ended is None:
        return
    instance.finished.CopyFrom(objects.timestamp(ended, "finishedAt"))
    instance.exit_code = objects.number(ended, "exitCode")
    instance.termination_reason = objects.text(ended, "reason")
