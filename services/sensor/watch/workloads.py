"""Workloads of all kinds but Pod, and the objects between them and their pods."""

from __future__ import annotations

from dataclasses import dataclass

from pyrox.k8s import kinds
from pyrox.k8s.client import Json
from pyrox.k8s.watch import Change
from pyrox.workload import objects
from services.sensor.watch.handlers import Desk, Sinks
from services.sensor.watch.pods import publish_pod

KINDS = (
    kinds.JOB,
    kinds.REPLICA_SET,
    kinds.REPLICATION_CONTROLLER,
    kinds.DAEMON_SET,
    kinds.DEPLOYMENT,
    kinds.STATEFUL_SET,
    kinds.CRON_JOB,
    kinds.DEPLOYMENT_CONFIG,
)


@dataclass(frozen=True, slots=True)
class WorkloadObjects:
    """Stores the object and marks what depends on it."""

    desk: Desk

    async def __call__(self, change: Change, value: Json) -> None:
        """Handle one change."""
        uid = objects.uid(value)
        if change is Change.DELETED:
            if self.desk.workloads.remove(uid):
                self.desk.resolver.mark(uid)
            return
        placed = self.desk.workloads.put(value)
        for key in placed.deployments:
            self.desk.resolver.mark(key)
        for pod in placed.adopted:
            publish_pod(self.desk, pod)


def sinks(desk: Desk) -> Sinks:
    """The kinds handled here."""
    handler = WorkloadObjects(desk)
    return dict.fromkeys(KINDS, handler)
