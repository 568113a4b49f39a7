"""An inbox of one cluster over a real database, as Central's composition root makes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pyrox.clock import SystemClock
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment
from pyrox.pg.pool import Pool
from pyrox.policy.eventmessages import process_message
from services.central.alerts.lifecycle import AlertLifecycle
from services.central.alerts.store import AlertStore
from services.central.baselines.learning import Learning
from services.central.db import tables
from services.central.db.store import ListedStore, ListForm, ProtoStore
from services.central.deployments.digest import digest
from services.central.link.connection import Connection
from services.central.link.fragments import Fragment
from services.central.link.fragments.alert_results import AlertResultsFragment
from services.central.link.fragments.deployment import DeploymentFragment
from services.central.link.fragments.inventory import Inventory
from services.central.link.fragments.process_indicator import ProcessIndicatorFragment
from services.central.link.hashes import HashStore
from services.central.link.inbox import EventCounters, Inbox
from services.central.namespaces.store import NamespaceStore
from services.central.policies.store import PolicyStore
from tests.support.waiting import until

REMOVE, CREATE = ResourceAction.REMOVE_RESOURCE, ResourceAction.CREATE_RESOURCE
ID = "10000000-0000-4000-8000-{:012d}".format


class Rules:
    """`openshift-*` is the platform's."""

    def is_platform(self, namespace: str) -> bool:
        return namespace.startswith("openshift-")


def event(
    kind: str, number: int, name: str = "", *, hash_: int | None = None, action: int = CREATE
) -> SensorEvent:
    """One object of a kind, told apart by its name."""
    made = SensorEvent(id=ID(number), action=ResourceAction.ValueType(action))
    if hash_ is not None:
        made.sensor_hash = hash_
    found = getattr(made, kind)
    found.id = ID(number)
    if name:
        found.name = name
    found.SetInParent()
    return made


def synced(*unchanged: str) -> SensorEvent:
    """All objects were told."""
    made = SensorEvent()
    made.synced.unchanged_ids.extend(unchanged)
    made.synced.SetInParent()
    return made


@dataclass
class Receiver:
    """Makes inboxes and looks at what they wrote."""

    pool: Pool
    cluster: Cluster

    def __post_init__(self) -> None:
        self.metrics = Metrics("central")
        self.counters = EventCounters(metrics=self.metrics)
        self.hashes = HashStore(pool=self.pool)
        self.deployments: ListedStore[Deployment, ListDeployment] = ListedStore(
            pool=self.pool, table=tables.DEPLOYMENTS, list_form=ListForm(ListDeployment, digest)
        )
        self.policies = PolicyStore(pool=self.pool)
        self.alerts = AlertStore(pool=self.pool)
        self.lifecycle = AlertLifecycle(
            store=self.alerts,
            policies=self.policies,
            platform=Rules(),
            namespaces=NamespaceStore(pool=self.pool),
            process_message=process_message,
            clock=SystemClock(),
        )

    @property
    def fragments(self) -> Sequence[Fragment]:
        """All that are tested here."""
        plain: dict[str, Any] = {
            "namespace": tables.NAMESPACES,
            "network_policy": tables.NETWORK_POLICIES,
            "node": tables.NODES,
        }
        return [
            DeploymentFragment(store=self.deployments, alerts=self.lifecycle, platform=Rules()),
            AlertResultsFragment(keeper=self.lifecycle),
            ProcessIndicatorFragment(
                store=ProtoStore(pool=self.pool, table=tables.PROCESS_INDICATORS),
                baselines=Learning(clock=SystemClock(), duration=timedelta(hours=1)),
            ),
            *(Inventory(kind, ProtoStore(pool=self.pool, table=table)) for kind, table in plain.items()),
        ]

    def inbox(self, known: Mapping[str, int] | None = None, **changes: Any) -> Inbox:
        """The inbox of a new stream."""
        parts: dict[str, Any] = {
            "fragments": self.fragments,
            "pool": self.pool,
            "hashes": self.hashes,
            "counters": self.counters,
            **changes,
        }
        return Inbox(connection=Connection(self.cluster, frozenset(), None), known=known or {}, **parts)

    @asynccontextmanager
    async def working(self, inbox: Inbox) -> AsyncIterator[Inbox]:
        """The inbox at work; on leaving, everything that it took is dealt with."""
        working = asyncio.create_task(inbox.work(lambda _: asyncio.sleep(0.01)))
        try:
            yield inbox
            await until(lambda: not inbox.waiting or working.done())
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        if not working.cancelled() and (error := working.exception()) is not None:
            raise error

    async def receive(self, *events: SensorEvent, inbox: Inbox | None = None) -> Inbox:
        """Take the events as one batch."""
        used = inbox or self.inbox(await self.hashes.load(self.cluster.id))
        for one in events:
            await used.put(one)
        async with self.working(used):
            pass
        return used

    def counted(self, name: str, **labels: str) -> float:
        """A counter's value; 0 before it was counted."""
        return self.metrics.registry.get_sample_value(f"{name}_total", labels) or 0.0
