"""Namespaces and nodes."""

from __future__ import annotations

from datetime import UTC, datetime

from pyrox.pb.storage.container_runtime_pb2 import ContainerRuntime
from pyrox.pb.storage.taints_pb2 import TaintEffect
from pyrox.workload.namespaces import to_namespace, to_node
from pyrox.workload.orchestrator import is_orchestrator_namespace, is_system_namespace

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_to_namespace_metadata() -> None:
    made = to_namespace(
        {
            "metadata": {
                "uid": "u",
                "name": "n",
                "labels": {"a": "b"},
                "creationTimestamp": "2026-11-24T08:00:00.5Z",
            }
        }
    )
    assert (made.id, made.name, dict(made.labels), made.creation_time.nanos) == (
        "u",
        "n",
        {"a": "b"},
        500_000_000,
    )


def test_to_node_addresses_runtime_and_taints() -> None:
    made = to_node(
        {
            "metadata": {"uid": "u", "name": "n"},
            "spec": {"taints": [{"key": "k", "value": "v", "effect": "NoExecute"}]},
            "status": {
                "addresses": [
                    {"type": "InternalIP", "address": "10.0.0.1"},
                    {"type": "Hostname", "address": "n"},
                    {"type": "ExternalIP", "address": "1.1.1.1"},
                ],
                "nodeInfo": {"containerRuntimeVersion": "docker://18.9.7", "osImage": "Ubuntu"},
            },
        },
        now=NOW,
    )
    assert (list(made.internal_ip_addresses), list(made.external_ip_addresses)) == (["10.0.0.1"], ["1.1.1.1"])
    assert (made.container_runtime.type, made.container_runtime.version) == (
        ContainerRuntime.DOCKER_CONTAINER_RUNTIME,
        "18.9.7",
    )
    assert made.taints[0].taint_effect == TaintEffect.NO_EXECUTE_TAINT_EFFECT


def test_to_node_unknown_runtime_keeps_whole_version() -> None:
    made = to_node({"status": {"nodeInfo": {"containerRuntimeVersion": "containerd://1.7"}}}, now=NOW)
    assert made.container_runtime.version == "containerd://1.7"


def test_system_namespaces() -> None:
    assert is_orchestrator_namespace("kube-system")
    assert is_orchestrator_namespace("openshift-operators")
    assert not is_system_namespace("openshift-operators")
    assert is_system_namespace("openshift-ingress")
    assert not is_orchestrator_namespace("my-kube-system")
