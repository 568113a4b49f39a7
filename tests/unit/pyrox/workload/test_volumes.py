"""Volumes by their source, and the secrets that a container mounts or reads."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.pb.storage.deployment_pb2 import Volume
from pyrox.workload.volumes import VolumeSource, sources, to_secrets, to_volumes

SOURCES: dict[str, tuple[dict[str, Any], VolumeSource]] = {
    "awsElasticBlockStore": ({"volumeID": "v"}, VolumeSource("AWSElasticBlockStore", "v")),
    "azureDisk": ({"diskName": "d", "diskURI": "u"}, VolumeSource("AzureDisk", "d")),
    "azureFile": ({"shareName": "s", "secretName": "x"}, VolumeSource("AzureFile", "s")),
    "cephfs": ({"path": "/p", "monitors": []}, VolumeSource("CephFS", "/p")),
    "cinder": ({"volumeID": "v"}, VolumeSource("Cinder", "v")),
    "configMap": ({"name": "c"}, VolumeSource("ConfigMap", "c")),
    "emptyDir": ({"medium": "Memory"}, VolumeSource("EmptyDir", "Memory")),
    "gcePersistentDisk": ({"pdName": "p"}, VolumeSource("GCEPersistentDisk", "p")),
    "gitRepo": ({"repository": "r"}, VolumeSource("GitRepo", "r")),
    "glusterfs": ({"path": "/p", "endpoints": "e"}, VolumeSource("Glusterfs", "/p")),
    "hostPath": ({"path": "/etc"}, VolumeSource("HostPath", "/etc")),
    "nfs": ({"server": "s", "path": "/p"}, VolumeSource("NFS", "s:/p")),
    "persistentVolumeClaim": ({"claimName": "c"}, VolumeSource("PersistentVolumeClaim", "c")),
    "rbd": ({"image": "i"}, VolumeSource("RBD", "i")),
    "secret": ({"secretName": "s"}, VolumeSource("Secret", "s")),
    "csi": ({"driver": "d"}, VolumeSource("Unimplemented", "")),
    "projected": ({"sources": []}, VolumeSource("Unimplemented", "")),
    "downwardAPI": ({"items": []}, VolumeSource("Unimplemented", "")),
}


@pytest.mark.parametrize("key", SOURCES)
def test_source_of_each_kind_names_type_and_place(key: str) -> None:
    given, expected = SOURCES[key]
    assert sources({"volumes": [{"name": "v", key: given}]}) == {"v": expected}


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"emptyDir": {}}, VolumeSource("EmptyDir", "")),
        ({"nfs": {"path": "/p"}}, VolumeSource("NFS", "/p")),
        ({"hostPath": "not an object"}, VolumeSource()),
        ({"secret": {"secretName": 7}}, VolumeSource("Secret", "")),
        ({}, VolumeSource()),
    ],
)
def test_source_that_is_incomplete_keeps_what_it_has(volume: dict[str, Any], expected: VolumeSource) -> None:
    assert sources({"volumes": [{"name": "v", **volume}]}) == {"v": expected}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("HostToContainer", Volume.HOST_TO_CONTAINER),
        ("Bidirectional", Volume.BIDIRECTIONAL),
        ("None", Volume.NONE),
        ("", Volume.NONE),
        ("Sideways", Volume.NONE),
    ],
)
def test_mount_propagation_by_its_word(given: str, expected: Volume.MountPropagation.ValueType) -> None:
    (made,) = to_volumes({"volumeMounts": [{"name": "v", "mountPropagation": given}]}, {})
    assert (made.mount_propagation, made.type) == (expected, "Unimplemented")


def test_mounts_of_secrets_are_secrets_and_all_others_volumes() -> None:
    known = {"s": VolumeSource("Secret", "tls"), "h": VolumeSource("HostPath", "/etc")}
    mounts = {
        "volumeMounts": [
            {"name": "s", "mountPath": "/s"},
            {"name": "h", "mountPath": "/h", "readOnly": True},
            {"name": "h", "mountPath": "/again"},
        ]
    }
    assert [(v.name, v.destination, v.read_only) for v in to_volumes(mounts, known)] == [
        ("h", "/h", True),
        ("h", "/again", False),
    ]
    assert [(s.name, s.path) for s in to_secrets(mounts, {}, known)] == [("tls", "/s")]


def test_secrets_come_by_mount_then_pull_then_environment() -> None:
    container = {
        "env": [
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "of-key", "key": "k"}}},
            {"name": "B", "value": "x"},
            {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "no", "key": "k"}}},
        ],
        "envFrom": [{"secretRef": {"name": "of-many"}}, {"configMapRef": {"name": "no"}}, "odd"],
        "volumeMounts": [{"name": "s", "mountPath": "/s"}],
    }
    pod_spec = {"imagePullSecrets": [{"name": "pull"}, {}]}
    found = list(to_secrets(container, pod_spec, {"s": VolumeSource("Secret", "mounted")}))
    assert [(secret.name, secret.path) for secret in found] == [
        ("mounted", "/s"),
        ("pull", ""),
        ("", ""),
        ("of-many", ""),
        ("of-key", ""),
    ]
