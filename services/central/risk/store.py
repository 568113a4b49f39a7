"""What the risk worker reads and writes: one statement for a whole batch of deployments each.

Deployments are locked without waiting, and nothing is written of one that is not locked:
a Sensor's transaction that holds one is never waited for, so the two cannot deadlock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from pyrox.pb.storage.alert_pb2 import ViolationState
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.process_baseline_pb2 import ProcessBaseline, ProcessBaselineResults
from pyrox.pb.storage.risk_pb2 import Risk
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import EVERYTHING
from pyrox.workload.images import id_v2
from services.central.baselines.evaluate import Process, Seen
from services.central.baselines.rules import is_startup
from services.central.db import tables
from services.central.db.store import ProtoStore
from services.central.risk.deployment import Violation
from services.central.risk.results import DEPLOYMENT, IMAGE, risk_id

# A score is full at seven suspicious processes; the list of factors ends here.
MAX_SUSPICIOUS = 1000
MAX_SEEN = 5000

_HELD = (
    "SELECT id::text AS id, serialized FROM deployments WHERE id = ANY($1::text[]::uuid[])"
    " ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
)
_THERE = "SELECT id::text AS id FROM deployments WHERE id = ANY($1::text[]::uuid[])"
_BASELINE_LOCKS = (
    "SELECT pg_advisory_xact_lock(hashtextextended('baseline ' || id, 0))"
    " FROM (SELECT unnest($1::text[]) AS id ORDER BY 1) AS sorted"
)
_BASELINES = (
    "SELECT serialized FROM process_baselines WHERE key_deploymentid = ANY($1::text[]::uuid[])"
    " ORDER BY id FOR UPDATE"
)
# What another cluster's Sensor tells of the deployment is nothing that it ran.
_OUTSIDE = """
FROM process_indicators p
WHERE p.deploymentid = d.id
    AND p.clusterid = d.clusterid
    AND p.signal_execfilepath <> ''
    AND NOT EXISTS (
        SELECT 1 FROM process_baselines_elements e
        WHERE e.parent_id
                = 'DC:' || d.clusterid || ':' || d.namespace || ':' || d.id || ':' || p.containername
            AND e.element_processname = p.signal_execfilepath
    )
"""
# An executable counts as part of a start when one of its runs does, as `is_startup` says.
_SEEN = f"""
SELECT d.id::text AS deployment, p.containername, p.path, p.at_start
FROM deployments AS d
CROSS JOIN LATERAL (
    SELECT p.containername, p.signal_execfilepath AS path,
        bool_or(
            p.containerstarttime IS NOT NULL
            AND coalesce(p.signal_time - p.containerstarttime < interval '1 minute', true)
        ) AS at_start
    {_OUTSIDE}
    GROUP BY p.containername, p.signal_execfilepath
    ORDER BY p.containername, p.signal_execfilepath
    LIMIT {MAX_SEEN}
) AS p
WHERE d.id = ANY($1::text[]::uuid[])
"""  # noqa: S608 - constants
_RAN = f"""
SELECT d.id::text AS deployment, p.*
FROM deployments AS d
CROSS JOIN LATERAL (
    SELECT p.containername, p.signal_name, p.signal_args, p.signal_execfilepath, p.signal_time,
        p.containerstarttime
    {_OUTSIDE}
    ORDER BY p.signal_time NULLS FIRST, p.id
    LIMIT {MAX_SUSPICIOUS}
) AS p
WHERE d.id = ANY($1::text[]::uuid[])
"""  # noqa: S608 - constants
_VIOLATIONS = (
    "SELECT deployment_id::text AS deployment, policy_name, policy_severity FROM alerts"
    " WHERE deployment_id = ANY($1::text[]::uuid[]) AND state = $2 ORDER BY id"
)
_OBSERVATIONS = (
    "SELECT deployment_id::text AS id, ends, ended FROM baseline_observations"
    " WHERE deployment_id = ANY($1::text[]::uuid[])"
)
_DUE = (
    "SELECT deployment_id::text AS id FROM baseline_observations"
    " WHERE NOT ended AND ends <= $1 ORDER BY ends LIMIT $2"
)
_ENDED = "UPDATE baseline_observations SET ended = true WHERE deployment_id = ANY($1::text[]::uuid[])"
_REMOVE = (
    "DELETE FROM process_baselines WHERE key_deploymentid = ANY($1::text[]::uuid[])",
    "DELETE FROM process_baseline_results WHERE deploymentid = ANY($1::text[]::uuid[])",
    "DELETE FROM baseline_observations WHERE deployment_id = ANY($1::text[]::uuid[])",
)
_SCORE = "UPDATE deployments SET riskscore = $2, serialized = $3, content_hash = $4 WHERE id = $1::text::uuid"
_RISKS = "SELECT id, serialized FROM risks WHERE id = ANY($1::text[])"
_REMOVE_RISKS = "DELETE FROM risks WHERE id = ANY($1::text[])"


@dataclass(frozen=True, slots=True)
class Observation:
    """Until when a deployment is only watched."""

    ends: datetime
    ended: bool


class RiskStore:
    """The tables around risk. It sees everything: no user is asking."""

    def __init__(self, *, pool: Pool) -> None:
        self._risks = ProtoStore(pool=pool, table=tables.RISKS)
        self._results = ProtoStore(pool=pool, table=tables.PROCESS_BASELINE_RESULTS)
        self._clusters = ProtoStore(pool=pool, table=tables.CLUSTERS)

    async def held(self, ids: Sequence[str], tx: Database) -> dict[str, Deployment]:
        """The deployments that nobody else is writing, locked until the transaction ends."""
        rows = await tx.fetch(_HELD, list(ids))
        return {row["id"]: Deployment.FromString(row["serialized"]) for row in rows}

    async def gone(self, ids: Sequence[str], tx: Database) -> set[str]:
        """Those of the ids under which there is no deployment."""
        rows = await tx.fetch(_THERE, list(ids))
        return set(ids) - {row["id"] for row in rows}

    async def baselines(self, ids: Sequence[str], tx: Database) -> Mapping[str, dict[str, ProcessBaseline]]:
        """The baselines of each deployment by container, locked until the transaction ends."""
        await tx.execute(_BASELINE_LOCKS, list(ids))
        found: dict[str, dict[str, ProcessBaseline]] = defaultdict(dict)
        for row in await tx.fetch(_BASELINES, list(ids)):
            baseline = ProcessBaseline.FromString(row["serialized"])
            found[baseline.key.deployment_id][baseline.key.container_name] = baseline
        return found

    async def seen(self, ids: Sequence[str], tx: Database) -> Mapping[str, list[Seen]]:
        """What each deployment ran that its baselines do not name, each executable once."""
        found: dict[str, list[Seen]] = defaultdict(list)
        for row in await tx.fetch(_SEEN, list(ids)):
            found[row["deployment"]].append(Seen(row["containername"], row["path"], row["at_start"]))
        return found

    async def ran(self, ids: Sequence[str], tx: Database) -> Mapping[str, list[Process]]:
        """The same, each run of it, the oldest first."""
        found: dict[str, list[Process]] = defaultdict(list)
        for row in await tx.fetch(_RAN, list(ids)):
            process = Process(
                row["containername"],
                row["signal_name"],
                row["signal_args"],
                row["signal_execfilepath"],
                is_startup(row["signal_time"], row["containerstarttime"]),
            )
            found[row["deployment"]].append(process)
        return found

    async def violations(self, ids: Sequence[str], tx: Database) -> Mapping[str, list[Violation]]:
        """The active alerts of each deployment."""
        found: dict[str, list[Violation]] = defaultdict(list)
        for row in await tx.fetch(_VIOLATIONS, list(ids), ViolationState.ACTIVE):
            violation = Violation(row["policy_name"] or "", row["policy_severity"] or 0)
            found[row["deployment"]].append(violation)
        return found

    async def image_risks(self, deployments: Iterable[Deployment], tx: Database) -> Mapping[str, list[Risk]]:
        """The risks of each deployment's images, in the order of its containers."""
        wanted = {one.id: image_ids(one) for one in deployments}
        rows = await tx.fetch(_RISKS, [risk_id(IMAGE, id_) for ids in wanted.values() for id_ in ids])
        by_id = {row["id"]: Risk.FromString(row["serialized"]) for row in rows}
        return {
            deployment: [by_id[id_] for id_ in (risk_id(IMAGE, one) for one in ids) if id_ in by_id]
            for deployment, ids in wanted.items()
        }

    async def observations(self, ids: Sequence[str], tx: Database) -> Mapping[str, Observation]:
        """Which of the deployments are watched, or were."""
        rows = await tx.fetch(_OBSERVATIONS, list(ids))
        return {row["id"]: Observation(row["ends"], row["ended"]) for row in rows}

    async def due(self, now: datetime, limit: int, tx: Database) -> list[str]:
        """Deployments that were watched long enough."""
        return [row["id"] for row in await tx.fetch(_DUE, now, limit)]

    async def end_observations(self, ids: Iterable[str], tx: Database) -> None:
        """What these deployments do from now on is held against what they did."""
        await tx.execute(_ENDED, list(ids))

    async def locking_clusters(self, ids: Iterable[str], tx: Database) -> frozenset[str]:
        """Those of the clusters whose baselines are locked once they are learned."""
        found = await self._clusters.get_many(sorted(set(ids)), scope=EVERYTHING, tx=tx)
        return frozenset(one.id for one in found if _locks(one))

    async def put(
        self,
        risks: Mapping[str, Risk | None],
        results: Iterable[ProcessBaselineResults],
        deployments: Mapping[str, Deployment],
        tx: Database,
    ) -> None:
        """Write the risks of these deployments, the states of their baselines and their scores."""
        await self._results.upsert_many(results, tx=tx)
        await self._risks.upsert_many([risk for risk in risks.values() if risk is not None], tx=tx)
        none = [risk_id(DEPLOYMENT, id_) for id_, risk in risks.items() if risk is None]
        if none:
            await tx.execute(_REMOVE_RISKS, none)
        rows = [row for id_, risk in risks.items() if (row := _scored(deployments[id_], risk))]
        if rows:
            await tx.fetchmany(_SCORE, rows)

    async def deployments_removed(self, ids: Sequence[str], *, tx: Database) -> None:
        """Forget the risks and the baselines of deployments that are gone."""
        await tx.execute(_REMOVE_RISKS, [risk_id(DEPLOYMENT, id_) for id_ in ids])
        for sql in _REMOVE:
            await tx.execute(sql, list(ids))


def image_ids(deployment: Deployment) -> list[str]:
    """The ids of name and digest of its containers' images, without those that have no digest."""
    return [
        container.image.id_v2 or id_v2(container.image.name.full_name, container.image.id)
        for container in deployment.containers
        if container.image.id_v2 or container.image.id
    ]


def _locks(cluster: Cluster) -> bool:
    return cluster.dynamic_config.auto_lock_process_baselines_config.enabled


def _scored(deployment: Deployment, risk: Risk | None) -> tuple[object, ...] | None:
    """The row of a deployment whose score is another now."""
    score = risk.score if risk is not None else 0.0
    if deployment.risk_score == score:
        return None
    deployment.risk_score = score
    serialized = deployment.SerializeToString(deterministic=True)
    return deployment.id, score, serialized, sha256(serialized).digest()
