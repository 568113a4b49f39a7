"""The events of a deployment's pods, read from Central DB and written out: as JSON, as CSV.

The route calls it. One statement a table, whatever the number of pods; what is read is
bounded, and the answer says when it was cut.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pyrox.errors import NotFound
from pyrox.pb.storage.alert_pb2 import Alert, ListAlert
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.search import Page, Sort
from services.central.db.store import ListedStore, ListForm, ProtoStore
from services.central.risk.events import (
    PROCESS,
    RESTART,
    TERMINATION,
    VIOLATION,
    Event,
    Expected,
    Happened,
    PodEvents,
    events_of,
)

MAX_PODS, MAX_PROCESSES, MAX_ALERTS = 1000, 5000, 1000
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) * 1000
Json = dict[str, Any]
_TYPES = {
    VIOLATION: "Policy Violation",
    PROCESS: "Process Activity",
    RESTART: "Container Restart",
    TERMINATION: "Container Termination",
}
# Upstream central/risk/handlers/timeline: the columns, in their order.
COLUMNS = (
    "Event Timestamp",
    "Event Type",
    "Event Name",
    "Process Args",
    "Process Parent Name",
    "Process Baselined",
    "Process UID",
    "Process Parent UID",
    "Container Exit Code",
    "Container Exit Reason",
    "Container ID",
    "Container Name",
    "Container Start Time",
    "Deployment ID",
    "Pod ID",
    "Pod Name",
    "Pod Start Time",
    "Pod Container Count",
)
# Spreadsheets take a file without this mark for one in a legacy encoding.
_MARK = "\ufeff"
# What a spreadsheet would take for a formula; arguments of processes are anybody's text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Scopes:
    """What the caller may see of each kind."""

    deployments: Scope
    extensions: Scope
    alerts: Scope


@dataclass(frozen=True, slots=True)
class Timeline:
    """The events of some pods."""

    pods: Sequence[PodEvents]
    truncated: bool

    def as_json(self, deployment_id: str) -> Json:
        """The form that the portal draws."""
        return {
            "deploymentId": deployment_id,
            "counts": {
                "policyViolations": self._count(VIOLATION),
                "processActivities": self._count(PROCESS),
                "restarts": self._count(RESTART),
                "terminations": self._count(TERMINATION),
                "pods": len(self.pods),
            },
            "truncated": self.truncated,
            "pods": [_pod(pod) for pod in self.pods],
        }

    def as_csv(self) -> str:
        """The form that people download: the newest first."""
        rows = [
            (event, _row(event, pod, number))
            for pod in self.pods
            for number in range(len(pod.containers))
            for event in pod.containers[number].events
        ]
        rows.sort(key=lambda row: (-row[0].time, _TYPES[row[0].type], row[0].name, row[0].args or ""))
        made = io.StringIO(_MARK)
        made.seek(0, io.SEEK_END)
        writer = csv.writer(made, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        writer.writerows([_cell(text) for text in row] for _, row in rows)
        return made.getvalue()

    def _count(self, kind: str) -> int:
        return sum(pod.count(kind) for pod in self.pods)


class Baselines(Protocol):
    """The process baselines."""

    async def expected_of(self, deployment_ids: Sequence[str], *, scope: Scope) -> Mapping[str, Expected]:
        """By deployment and container with a locked baseline, the executables that it names."""


class Deployments(Protocol):
    """The deployments that there are."""

    async def get(self, key: str, *, scope: Scope) -> Deployment | None:
        """One deployment, or None when it does not exist or lies outside the scope."""


class TimelineReader:
    """Reads timelines. Every read takes the caller's scopes."""

    def __init__(self, *, pool: Pool, deployments: Deployments, baselines: Baselines) -> None:
        self._deployments = deployments
        self._baselines = baselines
        self._pods = ProtoStore(pool=pool, table=tables.PODS)
        self._processes = ProtoStore(pool=pool, table=tables.PROCESS_INDICATORS)
        self._alerts = ListedStore(pool=pool, table=tables.ALERTS, list_form=ListForm(ListAlert, _named))

    async def of_deployment(self, deployment_id: str, scopes: Scopes) -> Timeline:
        """The timeline of one deployment. Raises `NotFound` when the caller may not see it."""
        if await self._deployments.get(deployment_id, scope=scopes.deployments) is None:
            raise NotFound.because(f"deployment with id '{deployment_id}' does not exist")
        return await self._timeline(Query.exact("Deployment ID", deployment_id), scopes)

    async def matching(self, text: str, scopes: Scopes) -> Timeline:
        """The timeline of all pods that match the text of a request."""
        return await self._timeline(Query.parse(text), scopes)

    async def _timeline(self, query: Query, scopes: Scopes) -> Timeline:
        page = Page(limit=MAX_PODS + 1)
        pods = await self._pods.find(query, scope=scopes.deployments, page=page)
        truncated = len(pods) > MAX_PODS
        del pods[MAX_PODS:]
        deployments = sorted({pod.deployment_id for pod in pods})
        processes = await self._ran(deployments, scopes.extensions)
        truncated = truncated or len(processes) > MAX_PROCESSES
        alerts = await self._violations(deployments, scopes.alerts)
        expected = await self._baselines.expected_of(deployments, scope=scopes.extensions)
        happened = _by_deployment(deployments, processes[:MAX_PROCESSES], alerts, expected)
        return Timeline(events_of(pods, happened), truncated)

    async def _ran(self, deployments: Sequence[str], scope: Scope) -> list[ProcessIndicator]:
        page = Page(limit=MAX_PROCESSES + 1, sort=(Sort("Process Creation Time"),))
        return await self._processes.find(Query.exact("Deployment ID", *deployments), scope=scope, page=page)

    async def _violations(self, deployments: Sequence[str], scope: Scope) -> list[Alert]:
        query = (
            Query.exact("Deployment ID", *deployments)
            & Query.match("Violation State", "ACTIVE")
            & Query.match("Lifecycle Stage", "RUNTIME")
        )
        return await self._alerts.find(query, scope=scope, page=Page(limit=MAX_ALERTS))


def _named(alert: Alert) -> ListAlert:
    """The list form that a store of alerts must know how to make; none is written here."""
    return ListAlert(id=alert.id)


def _by_deployment(
    deployments: Sequence[str],
    processes: Sequence[ProcessIndicator],
    alerts: Sequence[Alert],
    expected: Mapping[str, Expected],
) -> Mapping[str, Happened]:
    ran: dict[str, list[ProcessIndicator]] = defaultdict(list)
    violated: dict[str, list[Alert]] = defaultdict(list)
    for indicator in processes:
        ran[indicator.deployment_id].append(indicator)
    for alert in alerts:
        violated[alert.deployment.id].append(alert)
    return {id_: Happened(ran[id_], violated[id_], expected.get(id_, {})) for id_ in deployments}


def _pod(pod: PodEvents) -> Json:
    return {
        "id": pod.id,
        "name": pod.name,
        "startTime": _time(pod.started),
        "containerCount": len(pod.containers),
        "containers": [
            {
                "id": one.id,
                "name": one.name,
                "startTime": _time(one.started),
                "events": [_event(event) for event in one.events],
            }
            for one in pod.containers
        ],
    }


def _event(event: Event) -> Json:
    made: Json = {"id": event.id, "type": event.type, "name": event.name, "timestamp": _time(event.time)}
    if event.type == PROCESS:
        made |= {
            "args": event.args,
            "uid": event.uid,
            "parentName": event.parent_name,
            "parentUid": event.parent_uid,
            "inBaseline": event.in_baseline,
        }
    if event.type == TERMINATION:
        made |= {"exitCode": event.exit_code, "reason": event.reason}
    return made


def _time(moment: int | None) -> str | None:
    """RFC 3339 to the millisecond; what is no date becomes the nearest one."""
    if moment is None:
        return None
    return _date(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _date(moment: int) -> datetime:
    return _EPOCH + timedelta(microseconds=max(0, min(moment, _LATEST)) // 1000)


def _row(event: Event, pod: PodEvents, number: int) -> list[str]:
    container = pod.containers[number]
    process, ended = event.type == PROCESS, event.type == TERMINATION
    return [
        _shown(event.time),
        _TYPES[event.type],
        event.name,
        event.args or "",
        event.parent_name or "",
        str(event.in_baseline).lower() if process else "",
        str(event.uid) if process else "",
        str(event.parent_uid) if process else "",
        str(event.exit_code) if ended else "",
        event.reason or "",
        container.id,
        container.name,
        _shown(container.started),
        pod.deployment_id,
        pod.id,
        pod.name,
        _shown(pod.started),
        str(len(pod.containers)),
    ]


def _shown(moment: int | None) -> str:
    """Go's `time.RFC1123`, in which upstream writes times into files."""
    if moment is None:
        return "-"
    date = _date(moment)
    return f"{_DAYS[date.weekday()]}, {date:%d} {_MONTHS[date.month - 1]} {date:%Y %H:%M:%S} UTC"


def _cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    number = text.removeprefix("-").isdigit()
    return f"'{text}" if text.startswith(_FORMULA) and text != "-" and not number else text
