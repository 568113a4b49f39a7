"""A workload of any kind to `storage.Deployment`.

Sensor, Admission and Central's YAML check call `to_deployment` with the object and,
where they know them, its pods. It must not know stores, services or RBAC; what those
add is added by their own modules.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.labels_pb2 import LabelSelector
from pyrox.pb.storage.taints_pb2 import TaintEffect, Toleration
from pyrox.workload import objects, owners, selectors
from pyrox.workload.containers import ContainerScene, to_containers
from pyrox.workload.digests import learn_digests
from pyrox.workload.images import uuid_of
from pyrox.workload.objects import Object
from pyrox.workload.orchestrator import is_orchestrator_namespace

_DEFAULT_NAMESPACE = "default"
_DEFAULT_ACCOUNT = "default"
_KUBE_SYSTEM = "kube-system"
_STATIC_POD_LABELS = ("component", "k8s-app")
# OpenShift puts the whole DeploymentConfig into a label of its deployer's objects.
_ENCODED_CONFIG = "openshift.io/encoded-deployment-config"
_MAX_ENCODED = 1024 * 1024
_OPERATORS = {
    "Exists": Toleration.TOLERATION_OPERATOR_EXISTS,
    "Equal": Toleration.TOLERATION_OPERATOR_EQUAL,
}
EFFECTS = {
    "NoSchedule": TaintEffect.NO_SCHEDULE_TAINT_EFFECT,
    "PreferNoSchedule": TaintEffect.PREFER_NO_SCHEDULE_TAINT_EFFECT,
    "NoExecute": TaintEffect.NO_EXECUTE_TAINT_EFFECT,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What the conversion needs beside the object."""

    now: datetime
    cluster_id: str = ""
    registry_override: str = ""
    init_containers: bool = True
    """Feature InitContainerSupport, agreed with Central."""
    image_ids: bool = True
    """Feature FlattenImageData, agreed with Central: images carry `id_v2`."""


def to_deployment(value: Object, scene: Scene, pods: Sequence[Object] = ()) -> Deployment | None:
    """The deployment that the object stands for, or None.

    None for a kind that is no workload and for an object that another workload owns.
    `pods` are the workload's live pods: they add injected containers and digests. A
    standalone Pod needs none, it is its own.
    """
    kind = objects.text(value, "kind")
    if not owners.is_workload(kind, objects.text(value, "apiVersion")) or owners.is_owned(value):
        return None
    if kind == owners.POD:
        return _from_pod(value, scene, pods)
    deployment = _frame(value, kind, scene)
    template = _template(value, kind)
    deployment.replicas = _replicas(value, kind)
    deployment.pod_labels.update(objects.label_map(template))
    selector = _selector(value, kind)
    if selector is not None:
        deployment.label_selector.CopyFrom(selector)
    _fill(deployment, objects.child(template, "spec"), scene, pods)
    return deployment


def _from_pod(value: Object, scene: Scene, pods: Sequence[Object]) -> Deployment:
    deployment = _frame(value, owners.POD, scene)
    deployment.pod_labels.update(objects.label_map(value))
    static = static_component(value)
    if static is not None:
        label, component = static
        deployment.id = static_id(scene.cluster_id, component)
        deployment.name = f"static-{component}-pods"
        deployment.type = owners.STATIC_PODS
        deployment.label_selector.match_labels[label] = component
    _fill(deployment, objects.child(value, "spec"), scene, pods if static and pods else (value,))
    return deployment


def static_component(pod: Object) -> tuple[str, str] | None:
    """Label and value that merge a standalone pod of kube-system with its like, if any."""
    if objects.namespace(pod) != _KUBE_SYSTEM or owners.is_owned(pod):
        return None
    labels = objects.label_map(pod)
    return next(((label, labels[label]) for label in _STATIC_POD_LABELS if label in labels), None)


def static_id(cluster_id: str, component: str) -> str:
    """The id of the pseudo deployment of a component's static pods."""
    try:
        return str(uuid.uuid5(uuid.UUID(cluster_id), component))
    except ValueError:
        return uuid_of(cluster_id, component)


def finished(pod: Object) -> bool:
    """Whether a pod will never run again; such a standalone pod is no deployment any more."""
    return objects.text(objects.child(pod, "status"), "phase") in {"Succeeded", "Failed"}


def _frame(value: Object, kind: str, scene: Scene) -> Deployment:
    """All that comes from the metadata."""
    source, kind = _encoded_config(value, kind)
    namespace = objects.namespace(source) or _DEFAULT_NAMESPACE
    return Deployment(
        id=objects.uid(source),
        name=objects.name(source),
        type=kind,
        namespace=namespace,
        labels=objects.label_map(source),
        annotations=objects.annotation_map(source),
        created=objects.created(source),
        cluster_id=scene.cluster_id,
        orchestrator_component=is_orchestrator_namespace(namespace),
        state_timestamp=int(scene.now.timestamp() * 1_000_000),
    )


def _encoded_config(value: Object, kind: str) -> tuple[Object, str]:
    encoded = objects.label_map(value).get(_ENCODED_CONFIG, "")
    if not encoded or len(encoded) > _MAX_ENCODED:
        return value, kind
    try:
        decoded = orjson.loads(encoded)
    except orjson.JSONDecodeError:
        return value, kind
    return (decoded, objects.text(decoded, "kind")) if isinstance(decoded, Mapping) else (value, kind)


def _template(value: Object, kind: str) -> Object:
    if kind == owners.CRON_JOB:
        return objects.child(value, "spec", "jobTemplate", "spec", "template")
    return objects.child(value, "spec", "template")


def _replicas(value: Object, kind: str) -> int:
    if kind == owners.DAEMON_SET:
        return objects.number(objects.child(value, "status"), "numberAvailable")
    return objects.number(objects.child(value, "spec"), "replicas")


def _selector(value: Object, kind: str) -> LabelSelector | None:
    """ReplicationController and DeploymentConfig have a plain map."""
    spec = objects.child(value, "spec")
    if kind == owners.CRON_JOB:
        spec = objects.child(spec, "jobTemplate", "spec")
    if objects.optional_child(spec, "selector") is None:
        return None
    if kind in {"ReplicationController", "DeploymentConfig"}:
        return LabelSelector(match_labels=objects.string_map(spec, "selector"))
    return selectors.to_selector(objects.child(spec, "selector"))


def _fill(deployment: Deployment, pod_spec: Object, scene: Scene, pods: Iterable[Object]) -> None:
    """All that comes from the pod spec and from the pods."""
    live = [pod for pod in pods if not objects.terminating(pod)]
    deployment.host_network = objects.flag(pod_spec, "hostNetwork")
    deployment.host_pid = objects.flag(pod_spec, "hostPID")
    deployment.host_ipc = objects.flag(pod_spec, "hostIPC")
    deployment.runtime_class = objects.text(pod_spec, "runtimeClassName")
    deployment.tolerations.extend(_tolerations(pod_spec))
    deployment.service_account = objects.text(pod_spec, "serviceAccountName") or _DEFAULT_ACCOUNT
    deployment.automount_service_account_token = objects.flag(
        pod_spec, "automountServiceAccountToken", default=True
    )
    deployment.image_pull_secrets.extend(
        objects.text(secret, "name") for secret in objects.children(pod_spec, "imagePullSecrets")
    )
    containers = ContainerScene(
        deployment_id=deployment.id,
        annotations=deployment.annotations,
        registry_override=scene.registry_override,
        with_image_ids=scene.image_ids,
    )
    deployment.containers.extend(
        to_containers(_with_injected(pod_spec, live), containers, init_containers=scene.init_containers)
    )
    learn_digests(deployment, live, with_image_ids=scene.image_ids)
    aggregate_ports(deployment)


def aggregate_ports(deployment: Deployment) -> None:
    """Make the deployment's ports those of its containers, in order."""
    del deployment.ports[:]
    for container in deployment.containers:
        deployment.ports.extend(container.ports)


def _with_injected(pod_spec: Object, live: Sequence[Object]) -> Object:
    """The spec with the containers that only the live pods have (injected sidecars)."""
    listed = list(objects.children(pod_spec, "containers"))
    names = {objects.text(container, "name") for container in listed}
    for pod in live:
        for container in objects.children(objects.child(pod, "spec"), "containers"):
            name = objects.text(container, "name")
            if name not in names:
                names.add(name)
                listed.append(container)
    return {**pod_spec, "containers": listed}


def _tolerations(pod_spec: Object) -> Iterator[Toleration]:
    for item in objects.children(pod_spec, "tolerations"):
        yield Toleration(
            key=objects.text(item, "key"),
            value=objects.text(item, "value"),
            operator=_OPERATORS.get(objects.text(item, "operator"), Toleration.TOLERATION_OPERATION_UNKNOWN),
            taint_effect=EFFECTS.get(objects.text(item, "effect"), TaintEffect.UNKNOWN_TAINT_EFFECT),
        )
