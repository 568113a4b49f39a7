"""What every watch handler gets, and the form of a handler.

Each module of this package handles one kind (or a few that belong together) and offers
`sinks`, a table of kind to sink; `watch.cluster` starts them. A handler turns an object
into a message with `pyrox.workload` and publishes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.protobuf.message import Message

from pyrox.clock import Clock
from pyrox.k8s.client import Json
from pyrox.k8s.kinds import Kind
from pyrox.k8s.watch import Change, Sink
from pyrox.workload import objects
from services.sensor.link.events import Origin
from services.sensor.network.places import Places
from services.sensor.store.entities import Entities
from services.sensor.store.messages import Messages
from services.sensor.store.publish import Publisher
from services.sensor.store.rbac import Rbac
from services.sensor.store.resolver import Resolver
from services.sensor.store.workloads import Workloads

Sinks = Mapping[Kind, Sink]


@dataclass(frozen=True, slots=True)
class Desk:
    """All that handlers read and write."""

    messages: Messages
    publisher: Publisher
    resolver: Resolver
    workloads: Workloads
    rbac: Rbac
    entities: Entities
    places: Places
    clock: Clock
    cluster_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Plain:
    """A kind whose objects become one message each and change nothing else."""

    desk: Desk
    arm: str
    resource: str
    """Name of the message's kind in event timings."""
    convert: Callable[[Json], Message]

    async def __call__(self, change: Change, value: Json) -> None:
        """Publish the object's message, or its end."""
        uid = objects.uid(value)
        if change is Change.DELETED:
            self.desk.publisher.remove(self.arm, uid)
            return
        origin = Origin(objects.text(value, "kind"), self.resource)
        self.desk.publisher.upsert(self.arm, uid, self.convert(value), origin)
