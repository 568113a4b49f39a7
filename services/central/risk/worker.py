"""Looks again at deployments that were marked: their baselines learn, their risk is computed.

A component. Changes gather for a while, so that a burst of them costs one look; each
batch is one transaction with one statement a table, however many deployments it has.
Only one replica works at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.process_baseline_pb2 import ProcessBaseline
from pyrox.pg.locks import advisory_key
from pyrox.pg.pool import Database, Pool
from services.central import marks
from services.central.baselines import evaluate
from services.central.baselines.evaluate import Learned, Process, Situation
from services.central.risk.deployment import Findings, deployment_risk
from services.central.risk.store import Observation, RiskStore

_LOG = log.get(__name__)
LOCK = "central/risk"
# So many deployments a transaction: some hundred milliseconds, and a few MB.
BATCH = 50
# Marks of one deployment come in bursts; a batch reads so many rows to find its deployments.
MARKS = 5_000
# What was stored while the watching ended may have escaped the last look.
SECOND_LOOK = timedelta(seconds=30)
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock($1)"


class Baselines(Protocol):
    """Where baselines are written."""

    async def put(self, baselines: Iterable[ProcessBaseline], *, tx: Database) -> None:
        """Write what was learned."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an administrator chose."""

    interval: timedelta
    """How long changes gather."""
    processes_count: bool = True
    """Whether suspicious processes are part of the risk."""
    may_lock: bool = True
    """Whether clusters may have baselines locked once they are learned."""


class RiskWorker:
    """The loop over marked deployments."""

    name = "risk"

    def __init__(
        self, *, store: RiskStore, baselines: Baselines, pool: Pool, clock: Clock, rules: Rules
    ) -> None:
        self._store = store
        self._baselines = baselines
        self._pool = pool
        self._clock = clock
        self._rules = rules

    async def run(self, ready: Callable[[], None]) -> None:
        """Look, wait, again and again; a failed round is logged, the next one tries."""
        ready()
        while True:
            try:
                await self.round()
            except RoxError as error:
                _LOG.warning("risk not computed, trying again at the next round", error=error.message)
            await self._clock.sleep(self._rules.interval.total_seconds())

    async def round(self) -> int:
        """Look at all that is marked now; how many deployments.

        It rests as long as it worked: when everything changes at once, others come first.
        """
        looked_at = 0
        while True:
            began = self._clock.monotonic()
            done = await self._batch()
            if not done:
                return looked_at
            looked_at += done
            await self._clock.sleep(self._clock.monotonic() - began)

    async def _batch(self) -> int:
        """Look at one batch; how many deployments, 0 when there is nothing that can be done now."""
        now = self._clock.now()
        async with self._pool.transaction() as tx:
            if not await tx.fetchval(_TRY_LOCK, advisory_key(LOCK)):
                return 0
            due = await self._store.due(now, BATCH, tx)
            waiting = (await marks.oldest(tx, now, MARKS))[:BATCH]
            ids = list(dict.fromkeys([*due, *(mark.deployment_id for mark in waiting)]))[:BATCH]
            if not ids:
                return 0
            held = await self._store.held(ids, tx)
            if held:
                await self._look(held, now, tx)
            gone = await self._store.gone([id_ for id_ in ids if id_ not in held], tx)
            if gone:
                await self._store.deployments_removed(sorted(gone), tx=tx)
            settled = held.keys() | gone
            await marks.remove(tx, [mark for mark in waiting if mark.deployment_id in settled])
        return len(settled)

    async def _look(self, deployments: Mapping[str, Deployment], now: datetime, tx: Database) -> None:
        ids = list(deployments)
        learned = await self._learn(deployments, now, tx)
        outside = await self._suspicious(ids, learned, now, tx)
        violations = await self._store.violations(ids, tx)
        images = await self._store.image_risks(deployments.values(), tx)
        risks = {}
        for id_, deployment in deployments.items():
            counted = outside[id_] if self._rules.processes_count else ()
            findings = Findings(violations.get(id_, ()), counted, images[id_])
            risks[id_] = deployment_risk(deployment, findings)
        results = [
            evaluate.results(deployment, learned[id_].baselines, outside[id_], now)
            for id_, deployment in deployments.items()
        ]
        await self._store.put(risks, results, deployments, tx)

    async def _learn(
        self, deployments: Mapping[str, Deployment], now: datetime, tx: Database
    ) -> Mapping[str, Learned]:
        ids = list(deployments)
        observations = await self._store.observations(ids, tx)
        ending = {id_ for id_, one in observations.items() if not one.ended and one.ends <= now}
        baselines = await self._store.baselines(ids, tx)
        seen = await self._store.seen(ids, tx)
        locking = await self._locking([deployments[id_].cluster_id for id_ in sorted(ending)], tx)
        learned = {}
        for id_, deployment in deployments.items():
            lock = id_ in ending and deployment.cluster_id in locking
            situation = Situation(now, _observed(observations.get(id_), now), lock)
            learned[id_] = evaluate.learn(deployment, baselines.get(id_, {}), seen.get(id_, ()), situation)
        written = [one for found in learned.values() for one in found.changed.values()]
        if written:
            await self._baselines.put(written, tx=tx)
        if ending:
            await self._store.end_observations(sorted(ending), tx)
            await marks.add(tx, ending, due=now + SECOND_LOOK)
        return learned

    async def _locking(self, clusters: Sequence[str], tx: Database) -> frozenset[str]:
        if not clusters or not self._rules.may_lock:
            return frozenset()
        return await self._store.locking_clusters(clusters, tx)

    async def _suspicious(
        self, ids: Sequence[str], learned: Mapping[str, Learned], now: datetime, tx: Database
    ) -> Mapping[str, list[Process]]:
        """What each deployment ran outside of its locked baselines."""
        ran = await self._store.ran([id_ for id_ in ids if learned[id_].baselines], tx)
        return {id_: evaluate.suspicious(learned[id_].baselines, ran.get(id_, ()), now) for id_ in ids}


def _observed(observation: Observation | None, now: datetime) -> bool:
    """Whether a deployment is still watched; one that never was has nothing to be learned from yet."""
    return observation is None or (not observation.ended and observation.ends > now)
