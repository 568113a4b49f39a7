"""Workloads of every kind become deployments."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from pyrox.pb.storage.deployment_pb2 import (
    ContainerConfig,
    ContainerType,
    PortConfig,
    SecurityContext,
    Volume,
)
from pyrox.workload.deployments import Scene, finished, static_id, to_deployment

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SCENE = Scene(now=NOW, cluster_id="3538d262-43ab-44e3-8461-370f14c7fd83")
DIGEST = "sha256:" + "a" * 64
Env = ContainerConfig.EnvironmentConfig


def pod_spec(**extra: Any) -> dict[str, Any]:
    return {"containers": [{"name": "main", "image": "nginx:1.2", **extra}]}


def workload(kind: str = "Deployment", api: str = "apps/v1", **container: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "x"}}, "spec": pod_spec(**container)}
    spec: dict[str, Any] = {"replicas": 3, "selector": {"matchLabels": {"app": "x"}}, "template": template}
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": {"template": template}}}
    if kind == "Pod":
        spec = template["spec"]
    metadata = {
        "uid": "u1",
        "name": "web",
        "namespace": "shop",
        "labels": {"app": "x"},
        "creationTimestamp": "2026-11-24T08:00:00Z",
    }
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


KINDS = {
    "Deployment": "apps/v1",
    "DaemonSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "ReplicationController": "v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Pod": "v1",
    "DeploymentConfig": "apps.openshift.io/v1",
}


@pytest.mark.parametrize("kind", KINDS)
def test_to_deployment_each_kind_gives_identity_and_container(kind: str) -> None:
    made = to_deployment(workload(kind, KINDS[kind]), SCENE)
    assert made is not None
    assert (made.id, made.name, made.type, made.namespace) == ("u1", "web", kind, "shop")
    assert made.containers[0].id == "u1:main"
    assert dict(made.pod_labels) == {"app": "x"}
    assert made.state_timestamp == int(NOW.timestamp() * 1e6)
    assert made.service_account == "default"
    assert made.automount_service_account_token


@pytest.mark.parametrize(("kind", "api"), [("ConfigMap", "v1"), ("Deployment", "example.com/v1"), ("", "")])
def test_to_deployment_other_kind_gives_none(kind: str, api: str) -> None:
    assert to_deployment(workload(kind or "Deployment", api) | {"kind": kind}, SCENE) is None


def test_to_deployment_tracked_owner_gives_none() -> None:
    owned = workload("ReplicaSet")
    owned["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "o"}
    ]
    assert to_deployment(owned, SCENE) is None
    owned["metadata"]["ownerReferences"][0] |= {"apiVersion": "argoproj.io/v1", "kind": "Rollout"}
    assert to_deployment(owned, SCENE) is not None


def test_to_deployment_daemon_set_counts_available_pods() -> None:
    made = to_deployment(workload("DaemonSet") | {"status": {"numberAvailable": 7}}, SCENE)
    assert made is not None
    assert made.replicas == 7


def test_to_deployment_kube_system_pod_becomes_static_pods() -> None:
    pod = workload("Pod", "v1")
    pod["metadata"] |= {"namespace": "kube-system", "labels": {"component": "etcd"}}
    made = to_deployment(pod, SCENE)
    assert made is not None
    assert (made.type, made.name) == ("StaticPods", "static-etcd-pods")
    assert made.id == static_id(SCENE.cluster_id, "etcd")
    assert made.orchestrator_component
    assert dict(made.label_selector.match_labels) == {"component": "etcd"}


def test_to_deployment_environment_shows_sources_not_secrets() -> None:
    env = [
        {"name": "A", "value": "raw"},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "E", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "containerName": "m"}}},
        {"name": "F", "valueFrom": {}},
    ]
    made = to_deployment(workload(env=env), SCENE)
    assert made is not None
    assert [(item.key, item.value, item.env_var_source) for item in made.containers[0].config.env] == [
        ("A", "raw", Env.RAW),
        ("B", 'Refers to secret "s" with key "k"', Env.SECRET_KEY),
        ("C", 'Refers to config map "c" with key "k"', Env.CONFIG_MAP_KEY),
        ("D", 'Refers to field "status.podIP"', Env.FIELD),
        ("E", 'Refers to resource "limits.cpu" from container "m"', Env.RESOURCE_FIELD),
        ("F", "Unknown environment value reference", Env.UNKNOWN),
    ]
    assert [secret.name for secret in made.containers[0].secrets] == ["s"]


def test_to_deployment_security_defaults_and_inheritance() -> None:
    value = workload(
        securityContext={
            "privileged": True,
            "capabilities": {"add": ["SYS_ADMIN"], "drop": ["ALL"]},
            "runAsUser": 7,
        }
    )
    value["spec"]["template"]["spec"]["securityContext"] = {
        "seccompProfile": {"type": "Localhost", "localhostProfile": "p"}
    }
    made = to_deployment(value, SCENE)
    assert made is not None
    context = made.containers[0].security_context
    assert context.privileged
    assert context.allow_privilege_escalation
    assert not context.read_only_root_filesystem
    assert list(context.add_capabilities) == ["SYS_ADMIN"]
    assert context.seccomp_profile.type == SecurityContext.SeccompProfile.LOCALHOST
    assert made.containers[0].config.uid == 7


def test_to_deployment_volumes_and_secrets_are_told_apart() -> None:
    value = workload(
        volumeMounts=[
            {"name": "v", "mountPath": "/v", "readOnly": True},
            {"name": "s", "mountPath": "/s"},
            {"name": "?", "mountPath": "/q"},
        ]
    )
    value["spec"]["template"]["spec"]["volumes"] = [
        {"name": "v", "hostPath": {"path": "/etc"}},
        {"name": "s", "secret": {"secretName": "tls"}},
    ]
    made = to_deployment(value, SCENE)
    assert made is not None
    container = made.containers[0]
    assert container.volumes[0] == Volume(
        name="v", source="/etc", destination="/v", read_only=True, type="HostPath"
    )
    assert container.volumes[1].type == "Unimplemented"
    assert [(secret.name, secret.path) for secret in container.secrets] == [("tls", "/s")]


def test_to_deployment_resources_in_cores_and_mebibytes() -> None:
    made = to_deployment(
        workload(
            resources={"requests": {"cpu": "250m", "memory": "1G"}, "limits": {"cpu": 2, "memory": "1Gi"}}
        ),
        SCENE,
    )
    assert made is not None
    resources = made.containers[0].resources
    assert resources.cpu_cores_request == pytest.approx(0.25)
    # A recorded deployment shows 953.6743 for 1G.
    assert resources.memory_mb_request == pytest.approx(953.6743, rel=1e-6)
    assert (resources.cpu_cores_limit, resources.memory_mb_limit) == (2.0, 1024.0)


def test_to_deployment_ports_are_gathered_with_host_exposure() -> None:
    made = to_deployment(
        workload(
            ports=[
                {"name": "h", "containerPort": 80, "hostPort": 8080},
                {"containerPort": 53, "protocol": "UDP"},
            ]
        ),
        SCENE,
    )
    assert made is not None
    assert [(port.container_port, port.protocol, port.exposure) for port in made.ports] == [
        (80, "TCP", PortConfig.HOST),
        (53, "UDP", PortConfig.UNSET),
    ]
    assert made.ports[0].exposure_infos[0].node_port == 8080


def test_to_deployment_init_containers_come_first_when_wanted() -> None:
    value = workload()
    value["spec"]["template"]["spec"]["initContainers"] = [{"name": "init", "image": "busybox"}]
    made, without = to_deployment(value, SCENE), to_deployment(value, Scene(now=NOW, init_containers=False))
    assert made is not None
    assert without is not None
    assert [(c.name, c.type) for c in made.containers] == [
        ("init", ContainerType.INIT),
        ("main", ContainerType.REGULAR),
    ]
    assert [c.name for c in without.containers] == ["main"]


def live_pod(
    image: str, image_id: str, created: str = "2026-11-24T08:00:00Z", **extra: Any
) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {"name": "p", "creationTimestamp": created},
        "spec": {"containers": [{"name": "main", "image": image}, *extra.get("more", [])]},
        "status": {"containerStatuses": [{"name": "main", "image": image, "imageID": image_id}]},
    }


def test_to_deployment_digest_comes_from_newest_pod_of_same_image() -> None:
    old = live_pod("nginx:1.2", "docker-pullable://nginx@sha256:" + "b" * 64, "2026-11-23T08:00:00Z")
    new = live_pod("nginx:1.2", f"docker-pullable://nginx@{DIGEST}")
    other = live_pod("nginx:1.3", "docker-pullable://nginx@sha256:" + "c" * 64, "2026-11-25T08:00:00Z")
    made = to_deployment(workload(), SCENE, [old, new, other])
    assert made is not None
    image = made.containers[0].image
    assert image.id == DIGEST
    assert image.id_v2
    assert not image.not_pullable


def test_to_deployment_node_local_image_is_not_pullable() -> None:
    made = to_deployment(workload(), SCENE, [live_pod("nginx:1.2", f"docker://{DIGEST}")])
    assert made is not None
    assert made.containers[0].image.not_pullable


def test_to_deployment_injected_sidecar_is_appended_unless_pod_ends() -> None:
    pod = live_pod("nginx:1.2", "", more=[{"name": "proxy", "image": "envoy"}])
    made = to_deployment(workload(), SCENE, [pod])
    assert made is not None
    assert [c.name for c in made.containers] == ["main", "proxy"]
    ending = deepcopy(pod)
    ending["metadata"]["deletionTimestamp"] = "2026-11-24T08:00:00Z"
    without = to_deployment(workload(), SCENE, [ending])
    assert without is not None
    assert [c.name for c in without.containers] == ["main"]


def test_to_deployment_invalid_image_is_named() -> None:
    made = to_deployment(workload() | {}, SCENE)
    value = workload()
    value["spec"]["template"]["spec"]["containers"][0]["image"] = "us.gcr.io/$P/x"
    made = to_deployment(value, SCENE)
    assert made is not None
    assert made.containers[0].image.name.full_name == "us.gcr.io/$P/x is an invalid image"


@pytest.mark.parametrize(
    "broken",
    [
        {"spec": "x"},
        {"spec": {"template": {"spec": {"containers": [1, None, {"name": 5, "ports": "x", "env": [{}]}]}}}},
        {"metadata": {"uid": 9, "labels": {"a": 1}, "ownerReferences": "x"}},
    ],
)
def test_to_deployment_wrong_types_are_absent(broken: dict[str, Any]) -> None:
    assert to_deployment(workload() | broken, SCENE) is not None


def test_to_deployment_broken_surrogate_is_replaced() -> None:
    value = workload(command=["\ud800"])
    made = to_deployment(value, SCENE)
    assert made is not None
    assert made.SerializeToString()


def test_finished_pod_phases() -> None:
    assert finished({"status": {"phase": "Succeeded"}})
    assert not finished({"status": {"phase": "Running"}})
