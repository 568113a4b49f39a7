"""Services: never sent, they change how deployments are exposed."""

from __future__ import annotations

from dataclasses import dataclass

from pyrox.k8s import kinds
from pyrox.k8s.client import Json
from pyrox.k8s.watch import Change
from pyrox.workload import objects
from pyrox.workload.services import to_service
from services.sensor.watch.handlers import Desk, Sinks


@dataclass(frozen=True, slots=True)
class Services:
    """Tells the resolver of services."""

    desk: Desk

    async def __call__(self, change: Change, value: Json) -> None:
        """Handle one change."""
        if change is Change.DELETED:
            self.desk.resolver.remove_service(objects.namespace(value), objects.uid(value))
        else:
            self.desk.resolver.put_service(to_service(value))


def sinks(desk: Desk) -> Sinks:
    """The kind handled here."""
    return {kinds.SERVICE: Services(desk)}
