"""`v1.AlertService`: violations, as lists, counts, groups and a time series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

from pyrox.errors import Internal, Invalid, NotFound
from pyrox.pb.api.v1 import alert_service_pb2, common_pb2, empty_pb2, search_service_pb2
from pyrox.pb.storage.alert_pb2 import Alert, ViolationState
from pyrox.pb.storage.policy_pb2 import Severity
from pyrox.pb.storage.process_baseline_pb2 import ProcessBaselineKey
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from pyrox.rpc.scope import Access, Scope
from services.central.alerts.lifecycle import resolvable_by_hand
from services.central.alerts.store import AlertStore, asks_for_resolved_only, other_state
from services.central.baselines.store import Outcome

_READ = Permissions(read=("Alert",))
_WRITE = Permissions(write=("Alert",))
_Grouping = alert_service_pb2.GetAlertsCountsRequest
# Upstream central/alert/service: maxListAlertsReturned, which a pagination of the request replaces.
DEFAULT_LIST = 1000
_GROUP_LABELS = {_Grouping.UNSET: "", _Grouping.CATEGORY: "Category", _Grouping.CLUSTER: "Cluster"}


class Baselines(Protocol):
    """The process baselines."""

    async def edit(
        self, keys: Sequence[ProcessBaselineKey], add: Sequence[str], remove: Sequence[str], *, scope: Scope
    ) -> Outcome:
        """Add and remove executables by a user's hand."""


class AlertService:
    """`v1.AlertService`."""

    SERVICE: ClassVar[str] = "v1.AlertService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetAlert": _READ,
        "CountAlerts": _READ,
        "ListAlerts": _READ,
        "GetAlertsGroup": _READ,
        "GetAlertsCounts": _READ,
        "GetAlertTimeseries": _READ,
        "ResolveAlert": _WRITE,
        "ResolveAlerts": _WRITE,
        "DeleteAlerts": _WRITE,
    }

    def __init__(self, *, store: AlertStore, baselines: Baselines) -> None:
        self._store = store
        self._baselines = baselines

    async def GetAlert(self, request: common_pb2.ResourceByID, call: Call) -> Alert:
        """One alert with its policy as it was."""
        found = await self._store.get(request.id, scope=call.scope("Alert"))
        if found is None:
            raise NotFound.because(f"alert with id '{request.id}' does not exist")
        return found

    async def CountAlerts(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> alert_service_pb2.CountAlertsResponse:
        """How many alerts match."""
        count = await self._store.count(request.query, scope=call.scope("Alert"))
        return alert_service_pb2.CountAlertsResponse(count=count)

    async def ListAlerts(
        self, request: alert_service_pb2.ListAlertsRequest, call: Call
    ) -> alert_service_pb2.ListAlertsResponse:
        """A page of alerts; the newest thousand when the request has no pagination at all."""
        if not request.HasField("pagination"):
            request.pagination.limit = DEFAULT_LIST
        found = await self._store.digests(request.query, request.pagination, scope=call.scope("Alert"))
        return alert_service_pb2.ListAlertsResponse(alerts=found)

    async def GetAlertsGroup(
        self, request: alert_service_pb2.ListAlertsRequest, call: Call
    ) -> alert_service_pb2.GetAlertsGroupResponse:
        """Policies with their numbers of alerts."""
        answer = alert_service_pb2.GetAlertsGroupResponse()
        for policy, count in await self._store.by_policy(request.query, scope=call.scope("Alert")):
            answer.alerts_by_policies.add(policy=policy, num_alerts=count)
        return answer

    async def GetAlertsCounts(
        self, request: alert_service_pb2.GetAlertsCountsRequest, call: Call
    ) -> alert_service_pb2.GetAlertsCountsResponse:
        """Counts per severity, for all alerts or per category or cluster."""
        if request.group_by not in _GROUP_LABELS:
            raise Invalid.because(f"unknown group_by {request.group_by}")
        label = _GROUP_LABELS[request.group_by]
        groups: dict[str, dict[int, int]] = defaultdict(dict)
        counted = await self._store.by_severity(request.request.query, label, scope=call.scope("Alert"))
        for item in counted:
            groups[item.group][item.severity] = item.count
        answer = alert_service_pb2.GetAlertsCountsResponse()
        for name in sorted(groups):
            group = answer.groups.add(group=name)
            for severity, count in sorted(groups[name].items()):
                group.counts.add(severity=Severity.ValueType(severity), count=count)
        return answer

    async def GetAlertTimeseries(
        self, request: alert_service_pb2.ListAlertsRequest, call: Call
    ) -> alert_service_pb2.GetAlertTimeseriesResponse:
        """When alerts came and went, per cluster and severity, in milliseconds."""
        series: dict[str, dict[int, list[alert_service_pb2.AlertEvent]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for alert in await self._store.times(request.query, scope=call.scope("Alert")):
            series[alert.cluster_name][alert.policy.severity] += _events(alert)
        answer = alert_service_pb2.GetAlertTimeseriesResponse()
        for cluster in sorted(series):
            added = answer.clusters.add(cluster=cluster)
            for severity, events in sorted(series[cluster].items()):
                ordered = sorted(events, key=lambda event: event.time)
                added.severities.add(severity=Severity.ValueType(severity), events=ordered)
        return answer

    async def ResolveAlert(
        self, request: alert_service_pb2.ResolveAlertRequest, call: Call
    ) -> empty_pb2.Empty:
        """End an alert that no Sensor would end; others are left as they are."""
        scope = call.scope("Alert", Access.READ_WRITE_ACCESS)
        found = await self._store.get(request.id, scope=scope)
        if found is None:
            raise NotFound.because(f"alert with id '{request.id}' does not exist")
        if request.add_to_baseline or request.whitelist:
            await self._expect(found, call)
        await self._store.resolve([found], resolvable_by_hand)
        return empty_pb2.Empty()

    async def _expect(self, alert: Alert, call: Call) -> None:
        """Add the processes of an alert to the baselines of their containers."""
        ran: dict[str, set[str]] = defaultdict(set)
        for process in alert.process_violation.processes:
            ran[process.container_name].add(process.signal.exec_file_path)
        scope = call.scope("DeploymentExtension", Access.READ_WRITE_ACCESS)
        for container, paths in sorted(ran.items()):
            key = ProcessBaselineKey(
                deployment_id=alert.deployment.id,
                container_name=container,
                cluster_id=alert.deployment.cluster_id or alert.cluster_id,
                namespace=alert.deployment.namespace or alert.namespace,
            )
            outcome = await self._baselines.edit([key], sorted(paths - {""}), (), scope=scope)
            for _, error in outcome.failed:
                raise Internal(error)

    async def ResolveAlerts(
        self, request: alert_service_pb2.ResolveAlertsRequest, call: Call
    ) -> empty_pb2.Empty:
        """End all runtime alerts that match; without a query none, lest all end by a slip."""
        if not request.query.strip():
            raise Invalid.because("query cannot be empty")
        scope = call.scope("Alert", Access.READ_WRITE_ACCESS)
        await self._store.resolve_runtime(request.query, resolvable_by_hand, scope=scope)
        return empty_pb2.Empty()

    async def DeleteAlerts(
        self, request: alert_service_pb2.DeleteAlertsRequest, call: Call
    ) -> alert_service_pb2.DeleteAlertsResponse:
        """Remove resolved alerts; without `confirm` only say how many there are."""
        if not request.HasField("query"):
            raise Invalid.because("a scoping query is required")
        text = request.query.query
        scope = call.scope("Alert", Access.READ_WRITE_ACCESS)
        if other := other_state(text):
            raise Invalid.because(
                f'invalid value for violation state: "{other}". Only resolved alerts can be deleted'
            )
        if not asks_for_resolved_only(text):
            raise Invalid.because("please specify Violation State:RESOLVED in the query to confirm deletion")
        if not request.confirm:
            count = await self._store.count(text, scope=scope)
            return alert_service_pb2.DeleteAlertsResponse(num_deleted=count, dry_run=True)
        return alert_service_pb2.DeleteAlertsResponse(num_deleted=await self._store.delete(text, scope=scope))


def _events(alert: Alert) -> list[alert_service_pb2.AlertEvent]:
    """As upstream, both at the alert's latest time, in whole seconds."""
    time = alert.time.seconds * 1000
    kinds = [alert_service_pb2.CREATED]
    if alert.state == ViolationState.RESOLVED:
        kinds.append(alert_service_pb2.REMOVED)
    return [alert_service_pb2.AlertEvent(time=time, type=kind, id=alert.id) for kind in kinds]
