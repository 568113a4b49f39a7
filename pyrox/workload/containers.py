"""Containers of a pod spec to storage messages.

Part of the deployment conversion. It must not know owners, pods' states or services.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyrox.errors import Invalid
from pyrox.pb.storage.deployment_pb2 import (
    Container,
    ContainerConfig,
    ContainerImage,
    ContainerType,
    LivenessProbe,
    PortConfig,
    ReadinessProbe,
    Resources,
)
from pyrox.pb.storage.image_pb2 import ImageName
from pyrox.workload import objects, quantities, volumes
from pyrox.workload.images import parse_image
from pyrox.workload.objects import Object
from pyrox.workload.security import to_security_context

_Env = ContainerConfig.EnvironmentConfig
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_DEFAULT_PROTOCOL = "TCP"


@dataclass(frozen=True, slots=True)
class ContainerScene:
    """What all containers of one workload share."""

    deployment_id: str
    annotations: Mapping[str, str]
    registry_override: str
    with_image_ids: bool


def to_containers(pod_spec: Object, scene: ContainerScene, *, init_containers: bool) -> list[Container]:
    """The containers in the spec's order, init containers first when they are wanted."""
    known = volumes.sources(pod_spec)
    groups = [("initContainers", ContainerType.INIT)] if init_containers else []
    groups.append(("containers", ContainerType.REGULAR))
    return [
        _container(item, kind, pod_spec, scene, known)
        for key, kind in groups
        for item in objects.children(pod_spec, key)
    ]


def _container(
    item: Object,
    kind: ContainerType.ValueType,
    pod_spec: Object,
    scene: ContainerScene,
    known: dict[str, volumes.VolumeSource],
) -> Container:
    name = objects.text(item, "name")
    return Container(
        id=f"{scene.deployment_id}:{name}",
        name=name,
        type=kind,
        config=_config(item, scene.annotations.get(f"{_APP_ARMOR}{name}", "")),
        image=_image(objects.text(item, "image"), scene),
        security_context=to_security_context(item, pod_spec),
        volumes=volumes.to_volumes(item, known),
        secrets=volumes.to_secrets(item, pod_spec, known),
        ports=[_port(port) for port in objects.children(item, "ports")],
        resources=_resources(objects.child(item, "resources")),
        liveness_probe=LivenessProbe(defined=objects.optional_child(item, "livenessProbe") is not None),
        readiness_probe=ReadinessProbe(defined=objects.optional_child(item, "readinessProbe") is not None),
    )


def _image(text: str, scene: ContainerScene) -> ContainerImage:
    try:
        image = parse_image(text, registry_override=scene.registry_override)
    except Invalid:
        # Upstream's words; the name then matches no registry and no image.
        return ContainerImage(name=ImageName(full_name=f"{text} is an invalid image"))
    if not scene.with_image_ids:
        image.id_v2 = ""
    return image


def _config(item: Object, app_armor: str) -> ContainerConfig:
    return ContainerConfig(
        command=objects.texts(item, "command"),
        args=objects.texts(item, "args"),
        directory=objects.text(item, "workingDir"),
        env=[_variable(variable) for variable in objects.children(item, "env")],
        uid=objects.number(objects.child(item, "securityContext"), "runAsUser", bits=64),
        app_armor_profile=app_armor,
    )


def _variable(variable: Object) -> _Env:
    key = objects.text(variable, "name")
    reference = objects.optional_child(variable, "valueFrom")
    if reference is None:
        return _Env(key=key, value=objects.text(variable, "value"), env_var_source=_Env.RAW)
    source, description = _describe(reference)
    return _Env(key=key, value=description, env_var_source=source)


def _describe(reference: Object) -> tuple[_Env.EnvVarSource.ValueType, str]:
    """Kind and upstream's description of where a variable's value comes from."""
    if (found := objects.optional_child(reference, "secretKeyRef")) is not None:
        return _Env.SECRET_KEY, f"Refers to secret {_quoted(found, 'name')} with key {_quoted(found, 'key')}"
    if (found := objects.optional_child(reference, "configMapKeyRef")) is not None:
        text = f"Refers to config map {_quoted(found, 'name')} with key {_quoted(found, 'key')}"
        return _Env.CONFIG_MAP_KEY, text
    if (found := objects.optional_child(reference, "fieldRef")) is not None:
        return _Env.FIELD, f"Refers to field {_quoted(found, 'fieldPath')}"
    if (found := objects.optional_child(reference, "resourceFieldRef")) is not None:
        container = _quoted(found, "containerName")
        return (
            _Env.RESOURCE_FIELD,
            f"Refers to resource {_quoted(found, 'resource')} from container {container}",
        )
    return _Env.UNKNOWN, "Unknown environment value reference"


def _quoted(reference: Object, key: str) -> str:
    value = objects.text(reference, key).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def _port(port: Object) -> PortConfig:
    host_port = objects.number(port, "hostPort")
    config = PortConfig(
        name=objects.text(port, "name"),
        container_port=objects.number(port, "containerPort"),
        protocol=objects.text(port, "protocol") or _DEFAULT_PROTOCOL,
    )
    if host_port:
        config.exposure = PortConfig.HOST
        config.exposure_infos.add(level=PortConfig.HOST, node_port=host_port)
    return config


def _resources(resources: Object) -> Resources:
    requests, limits = objects.child(resources, "requests"), objects.child(resources, "limits")
    return Resources(
        cpu_cores_request=quantities.cores(requests.get("cpu")),
        cpu_cores_limit=quantities.cores(limits.get("cpu")),
        memory_mb_request=quantities.mebibytes(requests.get("memory")),
        memory_mb_limit=quantities.mebibytes(limits.get("memory")),
    )
