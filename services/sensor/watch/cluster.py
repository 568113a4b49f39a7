"""The watch over the whole cluster: which kinds, and in which order they start.

The order is upstream's: a stage starts when every kind of the one before has been
listed and handled, so that a deployment is built only when all that it depends on is
known. It must not know what handlers do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pyrox import log
from pyrox.clock import Clock
from pyrox.k8s import kinds
from pyrox.k8s.client import KubeClient
from pyrox.k8s.kinds import Kind
from pyrox.k8s.watch import Reflector
from services.sensor.store.publish import Publisher
from services.sensor.store.resolver import Resolver
from services.sensor.watch import (
    namespaces,
    network_policies,
    nodes,
    pods,
    rbac,
    secrets,
    service_accounts,
    services,
    workloads,
)
from services.sensor.watch.handlers import Desk, Sinks

_LOG = log.get(__name__)
STAGES: tuple[tuple[Kind, ...], ...] = (
    (kinds.NAMESPACE, kinds.SECRET, kinds.SERVICE_ACCOUNT, kinds.ROLE, kinds.CLUSTER_ROLE),
    (kinds.ROLE_BINDING, kinds.CLUSTER_ROLE_BINDING),
    (
        kinds.NETWORK_POLICY,
        kinds.NODE,
        kinds.SERVICE,
        kinds.JOB,
        kinds.REPLICA_SET,
        kinds.REPLICATION_CONTROLLER,
    ),
    (
        kinds.DAEMON_SET,
        kinds.DEPLOYMENT,
        kinds.STATEFUL_SET,
        kinds.CRON_JOB,
        kinds.DEPLOYMENT_CONFIG,
    ),
    # Upstream reads pods twice, before the workloads for their images and after them for
    # themselves; here the resolver waits for them instead.
    (kinds.POD,),
)
_MODULES = (
    namespaces,
    secrets,
    service_accounts,
    rbac,
    network_policies,
    nodes,
    services,
    workloads,
    pods,
)


def all_sinks(desk: Desk) -> Sinks:
    """The handler of every watched kind."""
    return {kind: sink for module in _MODULES for kind, sink in module.sinks(desk).items()}


class ClusterWatch:
    """The component that owns all reflectors."""

    name = "cluster-watch"

    def __init__(
        self,
        *,
        client: KubeClient,
        sinks: Sinks,
        resolver: Resolver,
        publisher: Publisher,
        surroundings: tuple[Clock, Callable[[], float]],
        stages: Sequence[Sequence[Kind]] = STAGES,
    ) -> None:
        """`surroundings` are the clock and a source of numbers from 0 to 1."""
        self._client = client
        self._sinks = sinks
        self._resolver = resolver
        self._publisher = publisher
        self._clock, self._random = surroundings
        self._stages = stages

    async def run(self, ready: Callable[[], None]) -> None:
        """Watch until cancelled. Ready at once: a slow API server stops nothing else."""
        ready()
        async with asyncio.TaskGroup() as group:
            for stage in self._stages:
                await asyncio.gather(*[self._start(kind, group) for kind in stage])
            self._resolver.begin()
            await self._resolver.settled()
            self._publisher.synced.set()
            _LOG.info("cluster is known")

    async def _start(self, kind: Kind, group: asyncio.TaskGroup) -> None:
        """Start following a kind and return when it has been listed."""
        listed = asyncio.Event()
        reflector = Reflector(
            client=self._client,
            kind=kind,
            sink=self._sinks[kind],
            clock=self._clock,
            jitter=self._random,
        )
        group.create_task(reflector.run(listed.set), name=reflector.name)
        await listed.wait()
