"""The life of alerts in Central: merged from Sensors' results, ended, marked.

The link calls it inside its transactions, the policy domain when policies change. The
decision itself is `merge.decide`; this module loads, completes and stores.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from pyrox.clock import Clock
from pyrox.pb.internalapi.central.sensor_events_pb2 import AlertResults
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.policy_pb2 import LifecycleStage
from pyrox.pg.pool import Database
from services.central.alerts.digest import enforcement_count
from services.central.alerts.merge import Outcome, ProcessMessage, decide, outlives
from services.central.alerts.store import AlertStore

Excluded = Callable[[Alert], bool]


class ActivePolicies(Protocol):
    """Which policies count."""

    async def active_ids(self, *, tx: Database | None = None) -> frozenset[str]:
        """Ids of the policies that exist and are enabled."""


class PlatformRules(Protocol):
    """Tells platform components from the users' own."""

    def is_platform(self, namespace: str) -> bool:
        """Whether objects of this namespace belong to the platform."""


class NamespaceIds(Protocol):
    """Finds namespaces by name."""

    async def id_of(self, cluster_id: str, name: str, *, tx: Database | None = None) -> str:
        """The namespace's id, or empty."""


@dataclass(frozen=True, slots=True)
class _World:
    active: frozenset[str]
    gone: Collection[str] = frozenset()
    excluded: Excluded = field(default=lambda _: False)

    def policy_active(self, policy_id: str) -> bool:
        return policy_id in self.active

    def no_longer_applies(self, alert: Alert) -> bool:
        return self.excluded(alert)

    def subject_gone(self, alert: Alert) -> bool:
        return alert.deployment.id in self.gone


class AlertLifecycle:
    """Keeps alerts in step with what Sensors and administrators say."""

    def __init__(
        self,
        *,
        store: AlertStore,
        policies: ActivePolicies,
        platform: PlatformRules,
        namespaces: NamespaceIds,
        process_message: ProcessMessage,
        clock: Clock,
    ) -> None:
        self._store = store
        self._policies = policies
        self._platform = platform
        self._namespaces = namespaces
        self._process_message = process_message
        self._clock = clock

    async def merge(self, results: AlertResults, cluster: Cluster, *, tx: Database) -> None:
        """Merge one deployment's (or event source's) alerts of one stage."""
        incoming = [await self._complete(alert, cluster, tx) for alert in results.alerts]
        if results.deployment_id:
            previous = await self._store.open_of_deployments([results.deployment_id], tx=tx)
        elif ids := sorted({a.deployment.id for a in incoming if a.deployment.id}):
            previous = await self._store.open_of_deployments(ids, tx=tx)
        else:
            previous = await self._store.open_without_deployment(cluster.id, tx=tx)
        previous = await self._store.hold(
            [old for old in previous if old.lifecycle_stage == results.stage], tx=tx
        )
        gone = await self._gone([*previous, *incoming], tx)
        await self._settle(previous, incoming, tx, gone=gone)

    async def _gone(self, alerts: Sequence[Alert], tx: Database) -> frozenset[str]:
        """The deployments of alerts that outlive them and that are not known any more."""
        lasting = {alert.deployment.id for alert in alerts if outlives(alert) and alert.deployment.id}
        return await self._store.unknown_deployments(sorted(lasting), tx=tx)

    async def deployments_removed(self, deployment_ids: Sequence[str], *, tx: Database) -> None:
        """Resolve deploy-time alerts of removed deployments, mark their other alerts inactive."""
        previous = await self._store.open_of_deployments(deployment_ids, tx=tx)
        await self._settle(await self._store.hold(previous, tx=tx), [], tx, gone=frozenset(deployment_ids))

    async def policy_changed(self, policy_id: str, excluded: Excluded) -> None:
        """End runtime alerts that a changed policy no longer covers.

        Deploy-time alerts end when Sensors send their next results.
        """
        async with self._store.transaction() as tx:
            previous = await self._store.open_of_policy(policy_id, tx=tx)
            runtime = [alert for alert in previous if alert.lifecycle_stage == LifecycleStage.RUNTIME]
            await self._settle(await self._store.hold(runtime, tx=tx), [], tx, excluded=excluded)

    async def policy_removed(self, policy_id: str) -> None:
        """End all alerts of a policy, but for attempts, which only people end."""
        async with self._store.transaction() as tx:
            previous = await self._store.open_of_policy(policy_id, tx=tx)
            await self._settle(await self._store.hold(previous, tx=tx), [], tx)

    async def _settle(
        self,
        previous: Sequence[Alert],
        incoming: Sequence[Alert],
        tx: Database,
        *,
        gone: Collection[str] = frozenset(),
        excluded: Excluded = lambda _: False,
    ) -> Outcome:
        if not previous and not incoming:
            return Outcome()
        world = _World(await self._policies.active_ids(tx=tx), gone, excluded)
        outcome = decide(previous, incoming, world, self._process_message)
        for alert in outcome.resolved:
            alert.resolved_at.FromDatetime(self._clock.now())
        for alert in outcome.changed:
            alert.enforcement_count = enforcement_count(alert)
        await self._store.put(outcome.changed, tx=tx)
        return outcome

    async def _complete(self, alert: Alert, cluster: Cluster, tx: Database) -> Alert:
        """Fill in what a Sensor does not know."""
        alert.cluster_id, alert.cluster_name = cluster.id, cluster.name
        match alert.WhichOneof("Entity"):
            case "deployment":
                alert.entity_type = Alert.DEPLOYMENT
                found = alert.deployment
                found.cluster_id, found.cluster_name = cluster.id, cluster.name
                alert.namespace = alert.namespace or found.namespace
                alert.namespace_id = alert.namespace_id or found.namespace_id
            case "resource":
                alert.entity_type = Alert.RESOURCE
                alert.resource.cluster_id, alert.resource.cluster_name = cluster.id, cluster.name
                alert.namespace = alert.namespace or alert.resource.namespace
            case "node":
                alert.entity_type = Alert.NODE
                alert.node.cluster_id, alert.node.cluster_name = cluster.id, cluster.name
        if alert.namespace and not alert.namespace_id:
            alert.namespace_id = await self._namespaces.id_of(cluster.id, alert.namespace, tx=tx)
        alert.platform_component = bool(alert.namespace) and self._platform.is_platform(alert.namespace)
        alert.id = alert.id or str(uuid4())
        return alert


def resolvable_by_hand(alert: Alert) -> bool:
    """Whether an analyst may resolve it: only what no Sensor will report again by itself."""
    return outlives(alert)
