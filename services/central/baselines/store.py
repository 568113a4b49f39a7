"""Process baselines in Central DB, and the state of each deployment's that lists show.

Every change posts a notice, from which all replicas tell their Sensors, and marks the
deployment, whose risk follows. It must not know Sensors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.pb.storage.process_baseline_pb2 import (
    ContainerNameAndBaselineStatus,
    ProcessBaseline,
    ProcessBaselineKey,
)
from pyrox.pg import notify
from pyrox.pg.pool import Database, Pool
from pyrox.policy.quoting import quote
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central import marks
from services.central.baselines import rules
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.store import ProtoStore

CHANNEL = "process baselines"
# Upstream pkg/sac: the refusal of an object outside of the caller's scope.
DENIED = "access to resource denied"
# A process that was stored while a baseline changed may have escaped the first look.
SECOND_LOOK = timedelta(seconds=30)
_BASELINE_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('baseline ' || $1, 0))"
_SEEN = (
    "SELECT DISTINCT signal_execfilepath AS path FROM process_indicators"
    " WHERE deploymentid = $1::text::uuid AND clusterid = $2::text::uuid AND containername = $3"
    " AND signal_execfilepath <> '' LIMIT 5000"
)
_EXISTING = "SELECT id::text FROM deployments WHERE id::text = ANY($1::text[])"
_FORGET_OBSERVATIONS = "DELETE FROM baseline_observations WHERE deployment_id::text = ANY($1::text[])"
Change = Callable[[ProcessBaseline], bool]
"""Changes a baseline; whether it is different now."""


@dataclass(slots=True)
class Outcome:
    """What became of each of several baselines."""

    changed: list[ProcessBaseline] = field(default_factory=list)
    """As they are now, also those that were so already."""
    failed: list[tuple[ProcessBaselineKey, str]] = field(default_factory=list)


class BaselineStore:
    """Process baselines. Every read takes the caller's scope, every change too."""

    def __init__(self, *, pool: Pool, clock: Clock, learning: timedelta) -> None:
        """`learning` is how long a baseline takes in what it sees."""
        self._pool = pool
        self._clock = clock
        self._learning = learning
        self._baselines = ProtoStore(pool=pool, table=tables.PROCESS_BASELINES)
        self._results = ProtoStore(pool=pool, table=tables.PROCESS_BASELINE_RESULTS)

    async def get(self, key: ProcessBaselineKey, *, scope: Scope) -> ProcessBaseline | None:
        """The baseline of a container, if there is one."""
        return await self._baselines.get(rules.id_of(key), scope=scope)

    async def of_deployments(self, deployment_ids: Sequence[str], *, scope: Scope) -> list[ProcessBaseline]:
        """The baselines of these deployments."""
        return await self._baselines.find(Query.exact("Deployment ID", *deployment_ids), scope=scope)

    async def expected(self, deployment_id: str, *, scope: Scope) -> Mapping[str, frozenset[str]]:
        """Per container with a locked baseline, the executables that it names."""
        return (await self.expected_of([deployment_id], scope=scope)).get(deployment_id, {})

    async def expected_of(
        self, deployment_ids: Sequence[str], *, scope: Scope
    ) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """The same of several deployments."""
        found: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
        now = self._clock.now()
        for one in await self.of_deployments(deployment_ids, scope=scope):
            if rules.locked(one, now):
                found[one.key.deployment_id][one.key.container_name] = rules.names(one)
        return found

    async def statuses(
        self, deployment_ids: Sequence[str], *, scope: Scope
    ) -> Mapping[str, list[ContainerNameAndBaselineStatus]]:
        """Per deployment that was looked at, the state of the baseline of each container."""
        found = await self._results.get_many(deployment_ids, scope=scope)
        return {one.deployment_id: list(one.baseline_statuses) for one in found}

    async def user_locked(self, cluster_id: str) -> list[ProcessBaseline]:
        """What a Sensor holds processes against: the cluster's baselines that a user locked."""
        query, now = Query.exact("Cluster ID", cluster_id), self._clock.now()
        return [
            baseline
            async for part in self._baselines.walk(query, scope=EVERYTHING)
            for baseline in part
            if rules.user_locked(baseline, now)
        ]

    async def by_ids(self, ids: Sequence[str]) -> list[ProcessBaseline]:
        """These baselines, for Sensors."""
        return await self._baselines.get_many(ids, scope=EVERYTHING)

    async def keys_in(
        self, cluster_id: str, namespaces: Sequence[str], *, scope: Scope
    ) -> list[ProcessBaselineKey]:
        """The keys of a cluster's baselines, or of those in some of its namespaces."""
        query = Query.exact("Cluster ID", cluster_id)
        if namespaces:
            query &= Query.exact("Namespace", *namespaces)
        return [baseline.key async for part in self._baselines.walk(query, scope=scope) for baseline in part]

    async def create(self, key: ProcessBaselineKey, *, store: bool) -> ProcessBaseline:
        """A baseline of what was seen so far that learns on; the one that is there, if any.

        Without `store` it is only made. The caller has checked the scope.
        """
        async with self._pool.transaction() as tx:
            await tx.execute(_BASELINE_LOCK, key.deployment_id)
            known = await self._baselines.get(rules.id_of(key), scope=EVERYTHING, tx=tx)
            if known is not None:
                return known
            rows = await tx.fetch(_SEEN, key.deployment_id, key.cluster_id, key.container_name)
            now = self._clock.now()
            locks = now + self._learning
            baseline = rules.made(key, (row["path"] for row in rows), now, locks)
            if store:
                await self._baselines.upsert(baseline, tx=tx)
                await marks.add(tx, [key.deployment_id])
                await marks.add(tx, [key.deployment_id], due=locks)
        return baseline

    async def edit(
        self, keys: Sequence[ProcessBaselineKey], add: Sequence[str], remove: Sequence[str], *, scope: Scope
    ) -> Outcome:
        """Add and remove executables by a user's hand."""
        return await self._change(keys, lambda one: rules.edit(one, add, remove, auto=False), scope)

    async def lock(self, keys: Sequence[ProcessBaselineKey], *, locked: bool, scope: Scope) -> Outcome:
        """Lock baselines for the user, or take that lock off."""
        now = self._clock.now()

        def change(baseline: ProcessBaseline) -> bool:
            if locked == baseline.HasField("user_locked_timestamp"):
                return False
            baseline.ClearField("user_locked_timestamp")
            if locked:
                baseline.user_locked_timestamp.FromDatetime(now)
            return True

        return await self._change(keys, change, scope)

    async def count(self, text: str, *, scope: Scope) -> int:
        """How many match the text of a request."""
        return await self._baselines.count(Query.parse(text), scope=scope)

    async def clear(self, text: str, *, scope: Scope) -> int:
        """Empty all that match, which learn anew; those of deployments that are gone are removed.

        A user's lock goes too, since a locked baseline learns nothing.
        """
        query, now = Query.parse(text), self._clock.now()
        locks = now + self._learning
        async with self._pool.transaction() as tx:
            found = await self._baselines.lock_many(
                await self._baselines.keys(query, scope=scope, tx=tx), tx=tx
            )
            deployments = sorted({one.key.deployment_id for one in found.values()})
            there = {row["id"] for row in await tx.fetch(_EXISTING, deployments)}
            kept = [one for one in found.values() if one.key.deployment_id in there]
            for baseline in kept:
                del baseline.elements[:]
                del baseline.element_graveyard[:]
                baseline.ClearField("user_locked_timestamp")
                baseline.stack_rox_locked_timestamp.FromDatetime(locks)
                baseline.last_update.FromDatetime(now)
            await self._baselines.upsert_many(kept, tx=tx)
            gone = [id_ for id_, one in found.items() if one.key.deployment_id not in there]
            await self._baselines.delete(*gone, tx=tx)
            await tx.execute(_FORGET_OBSERVATIONS, deployments)
            await marks.add(tx, deployments, due=locks)
            await self._tell(kept, tx)
        return len(found)

    async def put(self, baselines: Iterable[ProcessBaseline], *, tx: Database) -> None:
        """Write what was learned, without asking for a further look."""
        written = list(baselines)
        await self._baselines.upsert_many(written, tx=tx)
        now = self._clock.now()
        # Sensors know only what a user locked.
        changed = [one.id for one in written if rules.user_locked(one, now)]
        await notify.post(tx, CHANNEL, changed)

    async def _change(self, keys: Sequence[ProcessBaselineKey], change: Change, scope: Scope) -> Outcome:
        """Change the baselines of these keys in one transaction; one that cannot be is named."""
        outcome = Outcome()
        wanted: dict[str, ProcessBaselineKey] = {}
        for key in keys:
            try:
                id_ = rules.id_of(key)
            except Invalid as error:
                outcome.failed.append((key, error.message))
                continue
            if scope.allows(key.cluster_id, key.namespace):
                wanted[id_] = key
            else:
                outcome.failed.append((key, DENIED))
        async with self._pool.transaction() as tx:
            found = await self._baselines.lock_many(list(wanted), tx=tx)
            news = []
            for id_, key in wanted.items():
                baseline = found.get(id_)
                if baseline is None:
                    outcome.failed.append((key, f"no process baseline with id {quote(id_)}"))
                    continue
                outcome.changed.append(baseline)
                if change(baseline):
                    baseline.last_update.FromDatetime(self._clock.now())
                    news.append(baseline)
            await self._baselines.upsert_many(news, tx=tx)
            await self._tell(news, tx)
        return outcome

    async def _tell(self, changed: Sequence[ProcessBaseline], tx: Database) -> None:
        """Let Sensors and risk follow."""
        deployments = [one.key.deployment_id for one in changed]
        await marks.add(tx, deployments)
        await marks.add(tx, deployments, due=self._clock.now() + SECOND_LOOK)
        await notify.post(tx, CHANNEL, [one.id for one in changed])
