"""Alerts as users see and end them, and their life in Central, over a real database."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyrox.errors import Internal, Invalid, NotFound
from pyrox.pb.api.v1 import alert_service_pb2, common_pb2, pagination_pb2, search_service_pb2
from pyrox.pb.internalapi.central.sensor_events_pb2 import AlertResults
from pyrox.pb.storage.alert_pb2 import Alert, ViolationState
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment
from pyrox.pb.storage.policy_pb2 import EnforcementAction, LifecycleStage, Policy, Severity
from pyrox.pb.storage.process_baseline_pb2 import ProcessBaselineKey
from pyrox.pg.pool import Pool
from pyrox.policy.eventmessages import process_message
from pyrox.rpc.call import Call, Identity
from pyrox.rpc.scope import EVERYTHING, Access, FullGrants, Scope
from services.central.alerts.lifecycle import AlertLifecycle
from services.central.alerts.service import AlertService
from services.central.alerts.store import AlertStore, asks_for_resolved_only
from services.central.baselines.store import BaselineStore
from services.central.db import tables
from services.central.db.store import ListedStore, ListForm
from services.central.deployments.digest import digest
from services.central.namespaces.store import NamespaceStore
from services.central.policies.store import PolicyStore
from tests.support.link import Rules
from tests.support.pki import FixedClock

pytestmark = pytest.mark.needs("postgres")
A, B = str(uuid.UUID(int=0xA)), str(uuid.UUID(int=0xB))
DEPLOY, RUNTIME = LifecycleStage.DEPLOY, LifecycleStage.RUNTIME
ACTIVE, RESOLVED, ATTEMPTED = ViolationState.ACTIVE, ViolationState.RESOLVED, ViolationState.ATTEMPTED
EVERY_STATE = "Violation State:ACTIVE,ATTEMPTED,RESOLVED"
ListAlerts = alert_service_pb2.ListAlertsRequest
RawQuery = search_service_pb2.RawQuery
Counts = alert_service_pb2.GetAlertsCountsRequest
Delete = alert_service_pb2.DeleteAlertsRequest


@dataclass
class Grants:
    """One place to read and one to write."""

    read: Scope
    write: Scope = field(default_factory=Scope)

    def scope(self, resource: str, access: Access) -> Scope:
        assert resource == "Alert"
        return self.write if access is Access.READ_WRITE_ACCESS else self.read

    def role_names(self) -> frozenset[str]:
        return frozenset()


def caller(grants: Any) -> Call:
    return Call(method="/test", identity=Identity(uid="u", grants=grants))


ADMIN = caller(FullGrants())
SHOP = Scope(namespaces={A: frozenset({"shop"})})
SHOP_ONLY = caller(Grants(SHOP, SHOP))
READ_ONLY = caller(Grants(EVERYTHING))


def alert(number: int, place: tuple[str, str] = (A, "shop"), **fields: Any) -> Alert:
    """An alert; `policy`, `severity`, `categories` and `second` are those of the policy and its time."""
    policy, second = fields.pop("policy", "p1"), fields.pop("second", number)
    severity, categories = fields.pop("severity", Severity.LOW_SEVERITY), fields.pop("categories", ["C1"])
    cluster, namespace = place
    made = Alert(
        id=str(uuid.UUID(int=number)),
        cluster_id=cluster,
        cluster_name="alpha" if cluster == A else "beta",
        namespace=namespace,
        **fields,
    )
    made.policy.id, made.policy.name, made.policy.severity = policy, policy.upper(), severity
    made.policy.categories.extend(categories)
    made.deployment.id = str(uuid.UUID(int=0xD0 + number))
    made.deployment.name = f"web-{number}"
    made.time.seconds = 1_700_000_000 + second
    return made


@dataclass
class Site:
    """The servicer, and what it keeps."""

    pool: Pool

    def __post_init__(self) -> None:
        self.clock = FixedClock()
        self.store = AlertStore(pool=self.pool)
        self.baselines = BaselineStore(pool=self.pool, clock=self.clock, learning=timedelta(hours=1))
        self.service = AlertService(store=self.store, baselines=self.baselines)
        self.policies = PolicyStore(pool=self.pool)
        self.lifecycle = AlertLifecycle(
            store=self.store,
            policies=self.policies,
            platform=Rules(),
            namespaces=NamespaceStore(pool=self.pool),
            process_message=process_message,
            clock=self.clock,
        )

    async def states(self) -> dict[int, str]:
        found = await self.store.times(EVERY_STATE, scope=EVERYTHING)
        return {uuid.UUID(one.id).int: ViolationState.Name(one.state) for one in found}

    async def listed(self, call: Call = ADMIN, query: str = "", **page: Any) -> list[int]:
        request = ListAlerts(query=query, pagination=pagination_pb2.Pagination(**page))
        found = (await self.service.ListAlerts(request, call)).alerts
        count = (await self.service.CountAlerts(RawQuery(query=query), call)).count
        assert page or count == len(found)
        return [uuid.UUID(one.id).int for one in found]


@pytest.fixture
async def site(central_pool: Pool) -> Site:
    await central_pool.execute("TRUNCATE alerts, policies, namespaces, process_baselines CASCADE")
    return Site(central_pool)


@pytest.fixture
async def filled(site: Site) -> Site:
    high = Severity.HIGH_SEVERITY
    await site.store.put(
        [
            alert(1),
            alert(2, severity=high, categories=["C1", "C2"], policy="p2"),
            alert(3, (A, "bank"), severity=high, policy="p2", categories=["C2"]),
            alert(4, (B, "shop"), state=ATTEMPTED),
            alert(5, state=RESOLVED),
        ]
    )
    return site


async def test_list_shows_open_alerts_newest_first(filled: Site) -> None:
    assert await filled.listed() == [4, 3, 2, 1]
    assert await filled.listed(query="Violation State:RESOLVED") == [5]
    assert await filled.listed(query="Violation State:*") == [5, 4, 3, 2, 1]
    assert await filled.listed(query="Severity:HIGH_SEVERITY+Namespace:shop") == [2]
    assert await filled.listed(query="Category:C2") == [3, 2]
    assert await filled.listed(query="Deployment:nosuch") == []


async def test_list_is_paged_and_sorted_as_asked(filled: Site) -> None:
    assert await filled.listed(limit=2) == [4, 3]
    assert await filled.listed(limit=2, offset=3) == [1]
    by_name = pagination_pb2.SortOption(field="Deployment", reversed=False)
    assert await filled.listed(limit=3, sort_option=by_name) == [1, 2, 3]


async def test_scoped_caller_meets_only_alerts_of_its_place(filled: Site) -> None:
    assert await filled.listed(SHOP_ONLY) == [2, 1]
    groups = await filled.service.GetAlertsGroup(ListAlerts(), SHOP_ONLY)
    assert [(one.policy.name, one.num_alerts) for one in groups.alerts_by_policies] == [("P1", 1), ("P2", 1)]
    counted = await filled.service.GetAlertsCounts(Counts(group_by=Counts.CLUSTER), SHOP_ONLY)
    assert [one.group for one in counted.groups] == ["alpha"]
    series = await filled.service.GetAlertTimeseries(ListAlerts(), SHOP_ONLY)
    assert [one.cluster for one in series.clusters] == ["alpha"]
    with pytest.raises(NotFound):
        await filled.service.GetAlert(common_pb2.ResourceByID(id=alert(4).id), SHOP_ONLY)
    nobody = caller(Grants(Scope()))
    assert await filled.listed(nobody) == []


async def test_get_shows_any_state_and_names_what_is_missing(filled: Site) -> None:
    found = await filled.service.GetAlert(common_pb2.ResourceByID(id=alert(5).id), ADMIN)
    assert (found.state, found.policy.name) == (RESOLVED, "P1")
    missing = str(uuid.UUID(int=99))
    with pytest.raises(NotFound, match=rf"^alert with id '{missing}' does not exist: not found$"):
        await filled.service.GetAlert(common_pb2.ResourceByID(id=missing), ADMIN)
    with pytest.raises(NotFound):
        await filled.service.GetAlert(common_pb2.ResourceByID(id="x"), ADMIN)


async def test_groups_count_alerts_by_policy_name(filled: Site) -> None:
    answer = await filled.service.GetAlertsGroup(ListAlerts(query="Cluster:alpha"), ADMIN)
    groups = [(one.policy.id, one.policy.name, one.num_alerts) for one in answer.alerts_by_policies]
    assert groups == [("p1", "P1", 1), ("p2", "P2", 2)]


@pytest.mark.parametrize(
    ("group_by", "groups"),
    [
        (Counts.UNSET, {"": {"LOW_SEVERITY": 2, "HIGH_SEVERITY": 2}}),
        (Counts.CATEGORY, {"C1": {"LOW_SEVERITY": 2, "HIGH_SEVERITY": 1}, "C2": {"HIGH_SEVERITY": 2}}),
        (Counts.CLUSTER, {"alpha": {"LOW_SEVERITY": 1, "HIGH_SEVERITY": 2}, "beta": {"LOW_SEVERITY": 1}}),
    ],
)
async def test_counts_are_by_severity_within_groups(
    filled: Site, group_by: Any, groups: dict[str, dict[str, int]]
) -> None:
    answer = await filled.service.GetAlertsCounts(Counts(group_by=group_by), ADMIN)
    assert [one.group for one in answer.groups] == sorted(groups)
    assert {
        one.group: {Severity.Name(c.severity): c.count for c in one.counts} for one in answer.groups
    } == groups


async def test_counts_by_an_unknown_group_are_refused(filled: Site) -> None:
    with pytest.raises(Invalid, match="unknown group_by 77"):
        await filled.service.GetAlertsCounts(Counts(group_by=77), ADMIN)  # type: ignore[arg-type]


async def test_timeseries_has_when_alerts_came_and_went_in_milliseconds(filled: Site) -> None:
    answer = await filled.service.GetAlertTimeseries(ListAlerts(query=f"Namespace:shop+{EVERY_STATE}"), ADMIN)
    alpha = answer.clusters[0]
    events = {
        Severity.Name(one.severity): [
            (event.time - 1_700_000_000_000, alert_service_pb2.Type.Name(event.type)) for event in one.events
        ]
        for one in alpha.severities
    }
    assert events == {
        "LOW_SEVERITY": [(1000, "CREATED"), (5000, "CREATED"), (5000, "REMOVED")],
        "HIGH_SEVERITY": [(2000, "CREATED")],
    }
    open_ones = await filled.service.GetAlertTimeseries(ListAlerts(query="Namespace:shop"), ADMIN)
    kinds = [event.type for one in open_ones.clusters[0].severities for event in one.events]
    assert alert_service_pb2.REMOVED not in kinds


ENDED = {
    "deploy": (alert(1, lifecycle_stage=DEPLOY), "ACTIVE", "ACTIVE"),
    "runtime": (alert(2, lifecycle_stage=RUNTIME), "RESOLVED", "RESOLVED"),
    "attempted deploy": (alert(3, lifecycle_stage=DEPLOY, state=ATTEMPTED), "RESOLVED", "ATTEMPTED"),
    "attempted runtime": (alert(4, lifecycle_stage=RUNTIME, state=ATTEMPTED), "RESOLVED", "RESOLVED"),
}


@pytest.mark.parametrize("case", ENDED)
async def test_resolving_by_hand_ends_what_no_sensor_ends(site: Site, case: str) -> None:
    given, alone, together = ENDED[case]
    number = uuid.UUID(given.id).int
    await site.store.put([given])
    await site.service.ResolveAlert(alert_service_pb2.ResolveAlertRequest(id=given.id), ADMIN)
    assert await site.states() == {number: alone}
    await site.store.put([given])
    await site.service.ResolveAlerts(alert_service_pb2.ResolveAlertsRequest(query="Namespace:shop"), ADMIN)
    assert await site.states() == {number: together}
    found = await site.store.get(given.id, scope=EVERYTHING)
    assert found is not None
    # Upstream sets the time only when an alert ends by itself.
    assert not found.HasField("resolved_at")


async def test_resolving_is_for_those_who_may_write_there(site: Site) -> None:
    await site.store.put(
        [alert(n, place, lifecycle_stage=RUNTIME) for n, place in ((1, (A, "shop")), (2, (A, "bank")))]
    )
    request = alert_service_pb2.ResolveAlertRequest(id=alert(2).id)
    for call in (SHOP_ONLY, READ_ONLY):
        with pytest.raises(NotFound):
            await site.service.ResolveAlert(request, call)
    everything = alert_service_pb2.ResolveAlertsRequest(query="Cluster:alpha")
    await site.service.ResolveAlerts(everything, READ_ONLY)
    assert await site.states() == {1: "ACTIVE", 2: "ACTIVE"}
    await site.service.ResolveAlerts(everything, SHOP_ONLY)
    assert await site.states() == {1: "RESOLVED", 2: "ACTIVE"}


@pytest.mark.parametrize("name", ["add_to_baseline", "whitelist"])
async def test_resolving_into_a_baseline_adds_the_processes_and_needs_a_baseline(
    site: Site, name: str
) -> None:
    ended = alert(1, lifecycle_stage=RUNTIME)
    for path in ("/bin/a", "/bin/b", "/bin/a"):
        process = ended.process_violation.processes.add(container_name="app")
        process.signal.exec_file_path = path
    await site.store.put([ended])
    request = alert_service_pb2.ResolveAlertRequest(id=ended.id, **{name: True})
    id_ = f"DC:{A}:shop:{ended.deployment.id}:app"
    with pytest.raises(Internal, match=f'^no process baseline with id "{id_}"$'):
        await site.service.ResolveAlert(request, ADMIN)
    assert await site.states() == {1: "ACTIVE"}
    key = ProcessBaselineKey(
        deployment_id=ended.deployment.id, container_name="app", cluster_id=A, namespace="shop"
    )
    await site.baselines.create(key, store=True)
    await site.service.ResolveAlert(request, ADMIN)
    assert await site.states() == {1: "RESOLVED"}
    baseline = await site.baselines.get(key, scope=EVERYTHING)
    assert baseline is not None
    assert [(one.element.process_name, one.auto) for one in baseline.elements] == [
        ("/bin/a", False),
        ("/bin/b", False),
    ]


@pytest.mark.parametrize(
    ("query", "only"),
    [
        ("Violation State:RESOLVED", True),
        ('violation state:"RESOLVED"+Cluster:alpha', True),
        ("Violation State:RESOLVED,ACTIVE", False),
        ("Violation State:RESOLVED+Violation State:ACTIVE", False),
        ("Violation State:!RESOLVED", False),
        ("Violation State:r/RESOLVED|ACTIVE", False),
        ("Violation State:*", False),
        ('Deployment:"x violation state:resolved"', False),
        ("Cluster:alpha", False),
        ("", False),
    ],
)
async def test_deleting_takes_resolved_alerts_only(filled: Site, query: str, only: bool) -> None:
    assert asks_for_resolved_only(query) is only
    request = Delete(query=RawQuery(query=query), confirm=True)
    if only:
        assert (await filled.service.DeleteAlerts(request, ADMIN)).num_deleted == 1
    else:
        asks = query.lower().startswith("violation state:")
        says = "Only resolved alerts can be deleted" if asks else "please specify Violation State:RESOLVED in"
        with pytest.raises(Invalid, match=says):
            await filled.service.DeleteAlerts(request, ADMIN)
    assert sorted(await filled.states()) == [1, 2, 3, 4, *([] if only else [5])]


async def test_deleting_is_a_dry_run_first_and_within_the_scope(filled: Site) -> None:
    await filled.store.put([alert(6, (B, "shop"), state=RESOLVED)])
    request = Delete(query=RawQuery(query="Violation State:RESOLVED"))
    answer = await filled.service.DeleteAlerts(request, ADMIN)
    assert (answer.num_deleted, answer.dry_run) == (2, True)
    assert (await filled.service.DeleteAlerts(request, SHOP_ONLY)).num_deleted == 1
    request.confirm = True
    assert (await filled.service.DeleteAlerts(request, READ_ONLY)).num_deleted == 0
    answer = await filled.service.DeleteAlerts(request, SHOP_ONLY)
    assert (answer.num_deleted, answer.dry_run) == (1, False)
    assert sorted(await filled.states()) == [1, 2, 3, 4, 6]


async def merge(site: Site, *alerts: Alert, deployment: str = "", stage: Any = RUNTIME) -> None:
    results = AlertResults(alerts=alerts, deployment_id=deployment, stage=stage)
    async with site.pool.transaction() as tx:
        await site.lifecycle.merge(results, Cluster(id=A, name="alpha"), tx=tx)


async def test_alerts_of_policies_that_are_off_or_unknown_are_not_taken(site: Site) -> None:
    await site.policies.put(Policy(id="on", name="On"), Policy(id="off", name="Off", disabled=True))
    d = alert(1).deployment.id
    await merge(
        site, *(alert(1, policy=p, lifecycle_stage=RUNTIME) for p in ("on", "off", "gone")), deployment=d
    )
    (found,) = await site.store.times(EVERY_STATE, scope=EVERYTHING)
    assert (found.policy.id, found.entity_type, found.first_occurred) == ("on", Alert.DEPLOYMENT, found.time)


async def test_sensor_cannot_put_an_alert_into_another_cluster(site: Site) -> None:
    await site.policies.put(Policy(id="p1", name="P1"))
    given = alert(1, (B, "openshift-dns"), lifecycle_stage=RUNTIME)
    given.deployment.cluster_id = B
    given.enforcement.action = EnforcementAction.KILL_POD_ENFORCEMENT
    for pod in ("a", "b", "a"):
        given.process_violation.processes.add(pod_id=pod)
    await merge(site, given, deployment=given.deployment.id)
    (found,) = await site.store.times(EVERY_STATE, scope=EVERYTHING)
    assert (found.cluster_id, found.cluster_name, found.deployment.cluster_id) == (A, "alpha", A)
    assert (found.platform_component, found.enforcement_count) == (True, 2)


async def test_deploy_alerts_end_with_a_time_when_the_list_lacks_them(site: Site) -> None:
    await site.policies.put(Policy(id="p1", name="P1"), Policy(id="p2", name="P2"))
    d = alert(1).deployment.id
    first = [alert(1, lifecycle_stage=DEPLOY), alert(2, policy="p2", lifecycle_stage=DEPLOY)]
    for one in first:
        one.deployment.id = d
    await merge(site, *first, deployment=d, stage=DEPLOY)
    await merge(site, first[0], deployment=d, stage=DEPLOY)
    assert await site.states() == {1: "ACTIVE", 2: "RESOLVED"}
    ended = await site.store.get(alert(2).id, scope=EVERYTHING)
    assert ended is not None
    assert ended.resolved_at.ToDatetime(UTC) == site.clock.moment
    await merge(site, deployment=d, stage=RUNTIME)
    assert await site.states() == {1: "ACTIVE", 2: "RESOLVED"}


@pytest.mark.parametrize(
    ("excluded", "disabled", "expected"),
    [
        (True, False, {1: "ACTIVE", 2: "RESOLVED", 3: "ACTIVE"}),
        (False, True, {1: "ACTIVE", 2: "RESOLVED", 3: "ACTIVE"}),
        (False, False, {1: "ACTIVE", 2: "ACTIVE", 3: "ACTIVE"}),
    ],
)
async def test_changed_policy_ends_its_runtime_alerts_that_no_longer_apply(
    site: Site, excluded: bool, disabled: bool, expected: dict[int, str]
) -> None:
    await site.policies.put(Policy(id="p1", name="P1", disabled=disabled), Policy(id="p2", name="P2"))
    await site.store.put(
        [
            alert(1, lifecycle_stage=DEPLOY),
            alert(2, lifecycle_stage=RUNTIME),
            alert(3, lifecycle_stage=RUNTIME, policy="p2"),
        ]
    )
    await site.lifecycle.policy_changed("p1", lambda _: excluded)
    assert await site.states() == expected


async def test_resource_alerts_of_a_cluster_are_merged_by_their_subject(site: Site) -> None:
    await site.policies.put(Policy(id="p1", name="P1"))

    def of(name: str, second: int, message: str) -> Alert:
        made = alert(second, lifecycle_stage=RUNTIME)
        made.id = ""
        made.resource.name, made.resource.resource_type = name, Alert.Resource.SECRETS
        made.violations.add(message=message, type=Alert.Violation.K8S_EVENT)
        return made

    await merge(site, of("token", 1, "read"))
    await merge(site, of("token", 2, "read again"), of("other", 3, "read"))
    found = {one.resource.name: one for one in await site.store.times(EVERY_STATE, scope=EVERYTHING)}
    assert sorted(found) == ["other", "token"]
    assert [v.message for v in found["token"].violations] == ["read again", "read"]
    assert found["token"].first_occurred.ToDatetime() == datetime(2023, 11, 14, 22, 13, 21)  # noqa: DTZ001
    assert found["token"].entity_type == Alert.RESOURCE


async def test_list_without_a_pagination_shows_the_newest_thousand(site: Site) -> None:
    await site.store.put([alert(number) for number in range(1, 1003)])
    listed = await site.service.ListAlerts(ListAlerts(), ADMIN)
    assert len(listed.alerts) == 1000
    assert listed.alerts[0].id == alert(1002).id
    paged = ListAlerts(pagination=pagination_pb2.Pagination(offset=1))
    assert len((await site.service.ListAlerts(paged, ADMIN)).alerts) == 1001
    groups = await site.service.GetAlertsGroup(ListAlerts(), ADMIN)
    assert [group.num_alerts for group in groups.alerts_by_policies] == [1002]


async def test_resolving_without_a_query_ends_nothing(site: Site) -> None:
    await site.store.put([alert(1, lifecycle_stage=RUNTIME)])
    with pytest.raises(Invalid, match="query cannot be empty"):
        await site.service.ResolveAlerts(alert_service_pb2.ResolveAlertsRequest(query=" "), ADMIN)
    assert await site.states() == {1: "ACTIVE"}


async def test_deleting_without_a_query_is_refused(site: Site) -> None:
    with pytest.raises(Invalid, match="a scoping query is required"):
        await site.service.DeleteAlerts(Delete(confirm=True), ADMIN)


async def test_removed_policy_ends_all_but_attempts_at_once(site: Site) -> None:
    await site.policies.put(Policy(id="p2", name="P2"))
    attempt = alert(3, lifecycle_stage=DEPLOY, state=ATTEMPTED)
    other = alert(4, lifecycle_stage=DEPLOY, policy="p2")
    await site.store.put(
        [alert(1, lifecycle_stage=DEPLOY), alert(2, lifecycle_stage=RUNTIME), attempt, other]
    )
    await site.lifecycle.policy_removed("p1")
    assert await site.states() == {1: "RESOLVED", 2: "RESOLVED", 3: "ATTEMPTED", 4: "ACTIVE"}


async def test_runtime_alert_about_an_unknown_deployment_is_inactive(site: Site) -> None:
    await site.policies.put(Policy(id="p1", name="P1"))
    given = alert(1, lifecycle_stage=RUNTIME)
    given.violations.add(message="first", type=Alert.Violation.K8S_EVENT)
    deployments = ListedStore(
        pool=site.pool, table=tables.DEPLOYMENTS, list_form=ListForm(ListDeployment, digest)
    )
    await deployments.upsert(Deployment(id=given.deployment.id, name="web", cluster_id=A, namespace="shop"))
    await merge(site, given, deployment=given.deployment.id)
    known = await site.store.get(given.id, scope=EVERYTHING)
    await deployments.delete(given.deployment.id)
    again = alert(2, lifecycle_stage=RUNTIME)
    again.deployment.id = given.deployment.id
    again.violations.add(message="second", type=Alert.Violation.K8S_EVENT)
    await merge(site, again, deployment=given.deployment.id)
    gone = await site.store.get(given.id, scope=EVERYTHING)
    assert known is not None
    assert gone is not None
    assert (known.deployment.inactive, gone.deployment.inactive) == (False, True)
    assert [one.message for one in gone.violations] == ["second", "first"]


async def test_event_that_comes_while_its_alert_is_resolved_is_kept(site: Site) -> None:
    await site.policies.put(Policy(id="p1", name="P1"))
    given = alert(1, lifecycle_stage=RUNTIME)
    given.violations.add(message="first", type=Alert.Violation.K8S_EVENT)
    d = given.deployment.id
    await merge(site, given, deployment=d)
    again = alert(2, lifecycle_stage=RUNTIME)
    again.deployment.id = d
    again.violations.add(message="second", type=Alert.Violation.K8S_EVENT)
    async with asyncio.TaskGroup() as group, site.pool.transaction() as tx:
        results = AlertResults(alerts=[again], deployment_id=d, stage=RUNTIME)
        await site.lifecycle.merge(results, Cluster(id=A, name="alpha"), tx=tx)
        request = alert_service_pb2.ResolveAlertRequest(id=given.id)
        resolving = group.create_task(site.service.ResolveAlert(request, ADMIN))
        await until_waits(site.pool)
        assert not resolving.done()
    found = await site.store.get(given.id, scope=EVERYTHING)
    assert found is not None
    assert (found.state, [one.message for one in found.violations]) == (RESOLVED, ["second", "first"])


async def until_waits(pool: Pool) -> None:
    """Return once some transaction of the database waits for another's lock."""
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    for _ in range(6000):
        if await pool.fetchval(waits):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits for a lock")
