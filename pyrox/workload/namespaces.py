"""Namespaces and nodes to storage messages. Called by Sensor; knows no store."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.pb.storage.container_runtime_pb2 import ContainerRuntime, ContainerRuntimeInfo
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from pyrox.pb.storage.node_pb2 import Node
from pyrox.pb.storage.taints_pb2 import Taint, TaintEffect
from pyrox.workload import objects
from pyrox.workload.deployments import EFFECTS
from pyrox.workload.objects import Object
from pyrox.workload.pods import runtime_of


def to_namespace(value: Object) -> NamespaceMetadata:
    """A namespace."""
    return NamespaceMetadata(
        id=objects.uid(value),
        name=objects.name(value),
        labels=objects.label_map(value),
        annotations=objects.annotation_map(value),
        creation_time=objects.created(value),
    )


def to_node(value: Object, *, now: datetime) -> Node:
    """A node; `now` is when Kubernetes told of it."""
    info = objects.child(value, "status", "nodeInfo")
    runtime = objects.text(info, "containerRuntimeVersion")
    updated = Timestamp()
    updated.FromDatetime(now)
    return Node(
        id=objects.uid(value),
        name=objects.name(value),
        taints=[_taint(taint) for taint in objects.children(objects.child(value, "spec"), "taints")],
        labels=objects.label_map(value),
        annotations=objects.annotation_map(value),
        joined_at=objects.created(value),
        internal_ip_addresses=_addresses(value, "InternalIP"),
        external_ip_addresses=_addresses(value, "ExternalIP"),
        container_runtime_version=runtime,
        container_runtime=_runtime(runtime),
        kernel_version=objects.text(info, "kernelVersion"),
        os_image=objects.text(info, "osImage"),
        operating_system=objects.text(info, "operatingSystem"),
        kubelet_version=objects.text(info, "kubeletVersion"),
        kube_proxy_version=objects.text(info, "kubeProxyVersion"),
        k8s_updated=updated,
    )


def _taint(taint: Object) -> Taint:
    return Taint(
        key=objects.text(taint, "key"),
        value=objects.text(taint, "value"),
        taint_effect=EFFECTS.get(objects.text(taint, "effect"), TaintEffect.UNKNOWN_TAINT_EFFECT),
    )


def _addresses(value: Object, kind: str) -> list[str]:
    listed = objects.children(objects.child(value, "status"), "addresses")
    return [objects.text(item, "address") for item in listed if objects.text(item, "type") == kind]


def _runtime(version: str) -> ContainerRuntimeInfo:
    kind, bare = runtime_of(version)
    known = kind != ContainerRuntime.UNKNOWN_CONTAINER_RUNTIME
    return ContainerRuntimeInfo(type=kind, version=bare if known else version)
