"""Containers of a pod spec: configuration, probes, ports, resources, images."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.pb.storage.deployment_pb2 import Container, ContainerConfig, ContainerType, PortConfig, Resources
from pyrox.workload.containers import ContainerScene, to_containers

Env = ContainerConfig.EnvironmentConfig
DIGEST = "sha256:" + "d" * 64


def scene(**changes: Any) -> ContainerScene:
    given = {"deployment_id": "d", "annotations": {}, "registry_override": "", "with_image_ids": True}
    return ContainerScene(**{**given, **changes})


def container(item: dict[str, Any], **changes: Any) -> Container:
    (made,) = to_containers({"containers": [item]}, scene(**changes), init_containers=True)
    return made


def test_command_arguments_and_directory_are_kept() -> None:
    made = container(
        {"name": "c", "command": ["sh", 1, "-c"], "args": ["x"], "workingDir": "/w", "image": "nginx"}
    )
    assert (list(made.config.command), list(made.config.args)) == (["sh", "-c"], ["x"])
    assert (made.config.directory, made.id, made.name) == ("/w", "d:c", "c")


@pytest.mark.parametrize(
    ("value", "uid"), [(0, 0), (1000, 1000), (2**62, 2**62), (2**63, 0), ("7", 0), (True, 0), (None, 0)]
)
def test_user_is_the_number_of_the_containers_context(value: object, uid: int) -> None:
    assert container({"name": "c", "securityContext": {"runAsUser": value}}).config.uid == uid


def test_app_armor_profile_is_the_annotation_of_the_container() -> None:
    annotations = {"container.apparmor.security.beta.kubernetes.io/c": "localhost/p", "other": "x"}
    assert container({"name": "c"}, annotations=annotations).config.app_armor_profile == "localhost/p"
    assert container({"name": "b"}, annotations=annotations).config.app_armor_profile == ""


@pytest.mark.parametrize(
    ("probes", "expected"),
    [
        ({}, (False, False)),
        ({"livenessProbe": {}}, (True, False)),
        ({"readinessProbe": {"exec": {}}}, (False, True)),
        ({"livenessProbe": None, "readinessProbe": "x", "startupProbe": {}}, (False, False)),
    ],
)
def test_probes_are_defined_or_not(probes: dict[str, Any], expected: tuple[bool, bool]) -> None:
    made = container({"name": "c", **probes})
    assert (made.liveness_probe.defined, made.readiness_probe.defined) == expected
    assert made.HasField("liveness_probe")
    assert made.HasField("readiness_probe")


@pytest.mark.parametrize(
    ("reference", "source", "text"),
    [
        (
            {"secretKeyRef": {"name": 'a"b', "key": "c\\d"}},
            Env.SECRET_KEY,
            'Refers to secret "a\\"b" with key "c\\\\d"',
        ),
        ({"secretKeyRef": {}}, Env.SECRET_KEY, 'Refers to secret "" with key ""'),
        ({"configMapKeyRef": {"name": "m"}}, Env.CONFIG_MAP_KEY, 'Refers to config map "m" with key ""'),
        ({"fieldRef": {"fieldPath": "metadata.name"}}, Env.FIELD, 'Refers to field "metadata.name"'),
        (
            {"resourceFieldRef": {"resource": "limits.cpu"}},
            Env.RESOURCE_FIELD,
            'Refers to resource "limits.cpu" from container ""',
        ),
        ({"fileKeyRef": {}}, Env.UNKNOWN, "Unknown environment value reference"),
    ],
)
def test_variable_by_reference_is_described_and_not_read(
    reference: dict[str, Any], source: Env.EnvVarSource.ValueType, text: str
) -> None:
    made = container({"name": "c", "env": [{"name": "V", "value": "ignored", "valueFrom": reference}]})
    assert list(made.config.env) == [Env(key="V", value=text, env_var_source=source)]


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ({"containerPort": 80}, PortConfig(container_port=80, protocol="TCP")),
        (
            {"name": "dns", "containerPort": 53, "protocol": "UDP"},
            PortConfig(name="dns", container_port=53, protocol="UDP"),
        ),
        (
            {"containerPort": 80, "hostPort": 8080},
            PortConfig(
                container_port=80,
                protocol="TCP",
                exposure=PortConfig.HOST,
                exposure_infos=[PortConfig.ExposureInfo(level=PortConfig.HOST, node_port=8080)],
            ),
        ),
        ({"containerPort": 2**40, "hostPort": "80"}, PortConfig(protocol="TCP")),
    ],
)
def test_port_has_protocol_and_host_exposure(port: dict[str, Any], expected: PortConfig) -> None:
    assert list(container({"name": "c", "ports": [port]}).ports) == [expected]


def test_resources_without_values_are_zero_and_present() -> None:
    for resources in (None, {}, {"requests": {"cpu": None}, "limits": "x"}):
        made = container({"name": "c", "resources": resources})
        assert made.HasField("resources")
        assert made.resources == Resources()


def test_image_with_a_digest_has_ids_unless_they_are_not_wanted() -> None:
    made = container({"name": "c", "image": f"quay.io/a/b@{DIGEST}"})
    assert made.image.id == DIGEST
    assert made.image.id_v2
    without = container({"name": "c", "image": f"quay.io/a/b@{DIGEST}"}, with_image_ids=False)
    assert (without.image.id, without.image.id_v2) == (DIGEST, "")


@pytest.mark.parametrize("text", ["", "upper/CASE", "a b", "x" * 3000, "quay.io/a:$TAG"])
def test_image_that_is_no_name_says_so(text: str) -> None:
    assert container({"name": "c", "image": text}).image.name.full_name == f"{text} is an invalid image"


def test_init_containers_come_first_and_only_when_wanted() -> None:
    spec = {"containers": [{"name": "a"}, "odd"], "initContainers": [{"name": "i"}, None]}
    both = to_containers(spec, scene(), init_containers=True)
    assert [(item.name, item.type) for item in both] == [
        ("i", ContainerType.INIT),
        ("a", ContainerType.REGULAR),
    ]
    assert [item.name for item in to_containers(spec, scene(), init_containers=False)] == ["a"]
