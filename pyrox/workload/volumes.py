"""Volumes and secrets that a container mounts or reads.

Part of the container conversion. It must not read any secret's content.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyrox.pb.storage.deployment_pb2 import EmbeddedSecret, Volume
from pyrox.workload import objects
from pyrox.workload.objects import Object

SECRET = "Secret"  # noqa: S105 - a volume type
UNIMPLEMENTED = "Unimplemented"
# JSON key of each volume source that is described: its Go name, which is the type shown
# to users, and the fields that name the source.
_SOURCES: dict[str, tuple[str, tuple[str, ...]]] = {
    "awsElasticBlockStore": ("AWSElasticBlockStore", ("volumeID",)),
    "azureDisk": ("AzureDisk", ("diskName",)),
    "azureFile": ("AzureFile", ("shareName",)),
    "cephfs": ("CephFS", ("path",)),
    "cinder": ("Cinder", ("volumeID",)),
    "configMap": ("ConfigMap", ("name",)),
    "emptyDir": ("EmptyDir", ("medium",)),
    "gcePersistentDisk": ("GCEPersistentDisk", ("pdName",)),
    "gitRepo": ("GitRepo", ("repository",)),
    "glusterfs": ("Glusterfs", ("path",)),
    "hostPath": ("HostPath", ("path",)),
    "nfs": ("NFS", ("server", "path")),
    "persistentVolumeClaim": ("PersistentVolumeClaim", ("claimName",)),
    "rbd": ("RBD", ("image",)),
    "secret": (SECRET, ("secretName",)),
}
_PROPAGATION = {
    "HostToContainer": Volume.HOST_TO_CONTAINER,
    "Bidirectional": Volume.BIDIRECTIONAL,
}


@dataclass(frozen=True, slots=True)
class VolumeSource:
    """Where a volume of a pod comes from."""

    type: str = UNIMPLEMENTED
    source: str = ""


def sources(pod_spec: Object) -> dict[str, VolumeSource]:
    """The sources of the pod's volumes by name."""
    return {objects.text(volume, "name"): _source(volume) for volume in objects.children(pod_spec, "volumes")}


def _source(volume: Object) -> VolumeSource:
    for key, (kind, fields) in _SOURCES.items():
        found = objects.optional_child(volume, key)
        if found is not None:
            parts = [part for field in fields if (part := objects.text(found, field))]
            return VolumeSource(kind, ":".join(parts))
    return VolumeSource()


def to_volumes(container: Object, known: dict[str, VolumeSource]) -> Iterator[Volume]:
    """The mounts that are not secrets."""
    for mount in objects.children(container, "volumeMounts"):
        source = known.get(objects.text(mount, "name"), VolumeSource())
        if source.type == SECRET:
            continue
        yield Volume(
            name=objects.text(mount, "name"),
            source=source.source,
            destination=objects.text(mount, "mountPath"),
            read_only=objects.flag(mount, "readOnly"),
            type=source.type,
            mount_propagation=_PROPAGATION.get(objects.text(mount, "mountPropagation"), Volume.NONE),
        )


def to_secrets(
    container: Object, pod_spec: Object, known: dict[str, VolumeSource]
) -> Iterator[EmbeddedSecret]:
    """Secrets by mount, for pulling the image, and in the environment, in that order."""
    for mount in objects.children(container, "volumeMounts"):
        source = known.get(objects.text(mount, "name"), VolumeSource())
        if source.type == SECRET:
            yield EmbeddedSecret(name=source.source, path=objects.text(mount, "mountPath"))
    for reference in objects.children(pod_spec, "imagePullSecrets"):
        yield EmbeddedSecret(name=objects.text(reference, "name"))
    for source_of_many in objects.children(container, "envFrom"):
        found = objects.optional_child(source_of_many, "secretRef")
        if found is not None:
            yield EmbeddedSecret(name=objects.text(found, "name"))
    for variable in objects.children(container, "env"):
        found = objects.optional_child(objects.child(variable, "valueFrom"), "secretKeyRef")
        if found is not None:
            yield EmbeddedSecret(name=objects.text(found, "name"))
