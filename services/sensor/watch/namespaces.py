"""Namespaces; deployments carry their namespace's id."""

from __future__ import annotations

from dataclasses import dataclass

from pyrox.k8s import kinds
from pyrox.k8s.client import Json
from pyrox.k8s.watch import Change
from pyrox.workload import objects
from pyrox.workload.namespaces import to_namespace
from services.sensor.watch.handlers import Desk, Plain, Sinks


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Publishes the namespace and tells the resolver its id."""

    desk: Desk
    plain: Plain

    async def __call__(self, change: Change, value: Json) -> None:
        """Handle one change."""
        await self.plain(change, value)
        if change is not Change.DELETED:
            self.desk.resolver.put_namespace(objects.name(value), objects.uid(value))


def sinks(desk: Desk) -> Sinks:
    """The kind handled here."""
    return {kinds.NAMESPACE: Namespaces(desk, Plain(desk, "namespace", "Namespace", to_namespace))}
