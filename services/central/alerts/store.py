"""Alerts in Central DB: whole, as list digests, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from pyrox.pb.api.v1.pagination_pb2 import Pagination
from pyrox.pb.storage.alert_pb2 import Alert, ListAlert, ListAlertPolicy, ViolationState
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central import marks
from services.central.alerts.digest import digest
from services.central.db import tables
from services.central.db.paging import page_of
from services.central.db.query import Form, Query, Value
from services.central.db.store import ListedStore, ListForm

STATE = "Violation State"
OPEN_STATES = Query.match(STATE, "ACTIVE", "ATTEMPTED")
DEFAULT_SORT = ("Violation Time", True)
_KNOWN = "SELECT id::text FROM deployments WHERE id = ANY($1::uuid[])"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many alerts have this severity within a group."""

    group: str
    severity: int
    count: int


def with_open_states(text: str) -> Query:
    """The query of a request; alerts that are over are left out unless it asks for a state."""
    query = Query.parse(text)
    return query if query.mentions(STATE) else query & OPEN_STATES


def asks_for_resolved_only(text: str) -> bool:
    """Whether the query of a request can match no alert but resolved ones."""
    states = _states(text)
    return bool(states) and all(map(_is_resolved, states))


def other_state(text: str) -> str:
    """The first state that the query of a request asks for beside the resolved one, or nothing."""
    return next((value.text or "*" for value in _states(text) if not _is_resolved(value)), "")


def _states(text: str) -> list[Value]:
    terms = Query.parse(text).terms
    return [value for term in terms if term.label.lower() == STATE.lower() for value in term.values]


def _is_resolved(value: Value) -> bool:
    plain = value.form in {Form.PLAIN, Form.EXACT} and not value.negated
    return plain and value.text.upper() == "RESOLVED"


class AlertStore:
    """Alerts. Every read takes the caller's scope."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool
        self._alerts = ListedStore(pool=pool, table=tables.ALERTS, list_form=ListForm(ListAlert, digest))

    async def get(self, alert_id: str, *, scope: Scope) -> Alert | None:
        """One alert, in any state."""
        return await self._alerts.get(alert_id, scope=scope)

    async def digests(self, text: str, pagination: Pagination, *, scope: Scope) -> list[ListAlert]:
        """The page of a list, the newest first unless it says otherwise."""
        page = page_of(pagination, default_sort=DEFAULT_SORT)
        return await self._alerts.digests(with_open_states(text), scope=scope, page=page)

    async def count(self, text: str, *, scope: Scope) -> int:
        """How many alerts match."""
        return await self._alerts.count(with_open_states(text), scope=scope)

    async def by_policy(self, text: str, *, scope: Scope) -> list[tuple[ListAlertPolicy, int]]:
        """Policies with their numbers of alerts, by policy name."""
        page = page_of(None, default_sort=DEFAULT_SORT)
        counts: Counter[str] = Counter()
        newest: dict[str, ListAlertPolicy] = {}
        for alert in await self._alerts.digests(with_open_states(text), scope=scope, page=page):
            counts[alert.policy.id] += 1
            newest.setdefault(alert.policy.id, alert.policy)
        found = [(newest[policy_id], count) for policy_id, count in counts.items()]
        return sorted(found, key=lambda pair: (pair[0].name, pair[0].id))

    async def by_severity(self, text: str, group: str, *, scope: Scope) -> list[Counted]:
        """Counts per severity, within each value of the label `group` when it is given."""
        labels = [group, "Severity"] if group else ["Severity"]
        rows = await self._alerts.group_count(labels, with_open_states(text), scope=scope)
        return [Counted(str(row[0]) if group else "", int(row[-2]), int(row[-1])) for row in rows]

    async def times(self, text: str, *, scope: Scope) -> list[Alert]:
        """Whole alerts for the time series."""
        return await self._alerts.find(with_open_states(text), scope=scope)

    async def unknown_deployments(
        self, deployment_ids: Sequence[str], *, tx: Database | None = None
    ) -> frozenset[str]:
        """Those of the deployments that are not stored, for the life cycle."""
        if not deployment_ids:
            return frozenset()
        known = await (tx or self._pool).fetch(_KNOWN, list(deployment_ids))
        return frozenset(deployment_ids) - {str(row[0]) for row in known}

    async def open_of_deployments(
        self, deployment_ids: Sequence[str], *, tx: Database | None = None
    ) -> list[Alert]:
        """ACTIVE and ATTEMPTED alerts of these deployments, for the life cycle."""
        query = OPEN_STATES & Query.exact("Deployment ID", *deployment_ids)
        return await self._alerts.find(query, scope=EVERYTHING, tx=tx)

    async def open_of_policy(self, policy_id: str, *, tx: Database | None = None) -> list[Alert]:
        """ACTIVE and ATTEMPTED alerts of one policy, for the life cycle."""
        query = OPEN_STATES & Query.exact("Policy ID", policy_id)
        return await self._alerts.find(query, scope=EVERYTHING, tx=tx)

    async def open_without_deployment(self, cluster_id: str, *, tx: Database | None = None) -> list[Alert]:
        """ACTIVE and ATTEMPTED alerts about resources and nodes of one cluster."""
        query = OPEN_STATES & Query.exact("Cluster ID", cluster_id) & Query.match("Deployment ID", "-")
        return await self._alerts.find(query, scope=EVERYTHING, tx=tx)

    async def open_runtime_matching(
        self, text: str, *, scope: Scope, tx: Database | None = None
    ) -> list[Alert]:
        """Open runtime alerts that match the text of a request, within the caller's scope."""
        query = with_open_states(text) & Query.match("Lifecycle Stage", "RUNTIME")
        return await self._alerts.find(query, scope=scope, tx=tx)

    def transaction(self) -> AbstractAsyncContextManager[Database]:
        """All or nothing."""
        return self._pool.transaction()

    async def hold(self, alerts: Iterable[Alert], *, tx: Database) -> list[Alert]:
        """The alerts as they are now and stay until the transaction ends, without those that are over.

        A Sensor may add events to an alert while a user resolves it: who reads an alert in
        order to change it must hold it, or one of the two is undone.
        """
        keys = sorted(alert.id for alert in alerts)
        held = await self._alerts.lock_many(keys, tx=tx)
        return [held[key] for key in keys if key in held and held[key].state != ViolationState.RESOLVED]

    async def resolve(self, alerts: Iterable[Alert], allowed: Callable[[Alert], bool]) -> None:
        """End those of the alerts that may be ended, as they are now."""
        async with self._pool.transaction() as tx:
            await self._resolve(alerts, allowed, tx)

    async def resolve_runtime(self, text: str, allowed: Callable[[Alert], bool], *, scope: Scope) -> None:
        """End the open runtime alerts that match and may be ended. Raises `Invalid` for a bad search."""
        async with self._pool.transaction() as tx:
            await self._resolve(await self.open_runtime_matching(text, scope=scope, tx=tx), allowed, tx)

    async def _resolve(self, alerts: Iterable[Alert], allowed: Callable[[Alert], bool], tx: Database) -> None:
        held = [alert for alert in await self.hold(alerts, tx=tx) if allowed(alert)]
        for alert in held:
            alert.state = ViolationState.RESOLVED
        await self.put(held, tx=tx)

    async def put(self, alerts: Sequence[Alert], *, tx: Database | None = None) -> None:
        """Write alerts, all or none; the risks of their deployments follow."""
        if not alerts:
            return
        if tx is None:
            async with self._pool.transaction() as own:
                await self.put(alerts, tx=own)
            return
        await self._alerts.upsert_many(alerts, tx=tx)
        await marks.add(tx, {alert.deployment.id for alert in alerts})

    async def delete(self, text: str, *, scope: Scope) -> int:
        """Remove all that match; how many."""
        return len(await self._alerts.delete_where(Query.parse(text), scope=scope))
