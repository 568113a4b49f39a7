"""Which kinds are workloads, and who owns an object.

Used by the deployment conversion and by Sensor's store of pods. It must not know what
a workload contains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyrox.workload import objects
from pyrox.workload.objects import Object

POD = "Pod"
DAEMON_SET = "DaemonSet"
CRON_JOB = "CronJob"
STATIC_PODS = "StaticPods"
WORKLOAD_KINDS = frozenset(
    {
        "Deployment",
        DAEMON_SET,
        "StatefulSet",
        "ReplicaSet",
        "ReplicationController",
        "Job",
        CRON_JOB,
        POD,
        "DeploymentConfig",
    }
)
# Groups of the kinds above; a custom resource may carry the same kind name in another group.
_NATIVE_GROUPS = frozenset({"", "apps", "batch", "extensions", "apps.openshift.io"})


@dataclass(frozen=True, slots=True)
class Owner:
    """One owner reference."""

    kind: str
    name: str
    uid: str
    tracked: bool
    """Whether the owner is a workload of a kind that is watched."""


def group_of(api_version: str) -> str:
    """The API group of `group/version`; empty for the core group."""
    group, slash, _ = api_version.partition("/")
    return group if slash else ""


def is_workload(kind: str, api_version: str) -> bool:
    """Whether objects of this kind become deployments."""
    return kind in WORKLOAD_KINDS and group_of(api_version) in _NATIVE_GROUPS


def owners(value: Object) -> Iterator[Owner]:
    """The object's owners."""
    for reference in objects.children(objects.metadata(value), "ownerReferences"):
        kind = objects.text(reference, "kind")
        yield Owner(
            kind=kind,
            name=objects.text(reference, "name"),
            uid=objects.text(reference, "uid"),
            tracked=is_workload(kind, objects.text(reference, "apiVersion")),
        )


def is_owned(value: Object) -> bool:
    """Whether a watched workload owns the object, which is then no deployment of its own."""
    return any(owner.tracked for owner in owners(value))
