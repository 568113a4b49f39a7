"""Process indicators and process baselines in Central DB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyrox.clock import Clock
from pyrox.pb.storage.process_baseline_pb2 import ContainerNameAndBaselineStatus, ProcessBaseline
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.reader import Reader
from services.central.db.search import Page, Sort
from services.central.db.store import ProtoStore

_Status = ContainerNameAndBaselineStatus
# A deployment keeps at most this many distinct processes (upstream's default of
# ROX_PROCESS_FILTER_MAX_PROCESS_PATHS); one answer never holds more.
LIST_LIMIT = 5000


class ProcessStore(Reader[ProcessIndicator]):
    """Processes by deployment. Every read takes the caller's scope."""

    def __init__(self, *, pool: Pool, clock: Clock) -> None:
        super().__init__(pool=pool, stored=ProtoStore(pool=pool, table=tables.PROCESS_INDICATORS))
        self._baselines = ProtoStore(pool=pool, table=tables.PROCESS_BASELINES)
        self._clock = clock

    async def of_deployment(self, deployment_id: str, *, scope: Scope) -> list[ProcessIndicator]:
        """The processes of one deployment, the oldest first."""
        query = Query.exact("Deployment ID", deployment_id)
        page = Page(limit=LIST_LIMIT, sort=(Sort("Process Creation Time"),))
        return await self._stored.find(query, scope=scope, page=page)

    async def baselines(self, deployment_ids: Sequence[str], *, scope: Scope) -> list[ProcessBaseline]:
        """The process baselines of these deployments."""
        return await self._baselines.find(Query.exact("Deployment ID", *deployment_ids), scope=scope)

    async def expected(self, deployment_id: str, *, scope: Scope) -> Mapping[str, frozenset[str]]:
        """Per container with a locked baseline, the processes that it names."""
        return {
            baseline.key.container_name: frozenset(
                element.element.process_name for element in baseline.elements
            )
            for baseline in await self.baselines([deployment_id], scope=scope)
            if self._locked(baseline)
        }

    async def baseline_statuses(
        self, deployment_ids: Sequence[str], *, scope: Scope
    ) -> Mapping[str, list[ContainerNameAndBaselineStatus]]:
        """Per deployment, the state of the baseline of each container that has one."""
        if not deployment_ids:
            return {}
        statuses: dict[str, list[ContainerNameAndBaselineStatus]] = {}
        found = await self.baselines(deployment_ids, scope=scope)
        for baseline in sorted(found, key=lambda baseline: baseline.key.container_name):
            state = _Status.LOCKED if self._locked(baseline) else _Status.UNLOCKED
            status = _Status(container_name=baseline.key.container_name, baseline_status=state)
            statuses.setdefault(baseline.key.deployment_id, []).append(status)
        return statuses

    def _locked(self, baseline: ProcessBaseline) -> bool:
        """Whether the baseline takes no further processes: locked by a user or by time."""
        now = self._clock.now().timestamp()
        return any(
            baseline.HasField(name) and getattr(baseline, name).ToNanoseconds() / 1e9 <= now
            for name in ("user_locked_timestamp", "stack_rox_locked_timestamp")
        )
