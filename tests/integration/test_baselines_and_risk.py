"""Process baselines and risk over a real database: learned, locked, edited, told, ranked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from pyrox.errors import Invalid, NotFound
from pyrox.pb.api.v1 import (
    common_pb2,
    deployment_service_pb2,
    process_baseline_service_pb2,
    search_service_pb2,
)
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.alert_pb2 import ViolationState
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment
from pyrox.pb.storage.policy_pb2 import Severity
from pyrox.pb.storage.process_baseline_pb2 import (
    ContainerNameAndBaselineStatus,
    ProcessBaseline,
    ProcessBaselineKey,
)
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.pg.locks import advisory_key
from pyrox.pg.pool import Pool
from pyrox.rpc.call import Call, Identity
from pyrox.rpc.scope import EVERYTHING, NOTHING, Access, FullGrants, Scope
from services.central import marks
from services.central.alerts.store import AlertStore
from services.central.baselines.learning import Learning
from services.central.baselines.service import ProcessBaselineService
from services.central.baselines.store import CHANNEL, BaselineStore
from services.central.baselines.sync import BaselineSync
from services.central.clusters.store import ClusterStore
from services.central.db import tables
from services.central.db.store import ListedStore, ListForm, ProtoStore
from services.central.deployments.digest import digest
from services.central.deployments.service import DeploymentService
from services.central.deployments.store import DeploymentStore
from services.central.exports import Exports
from services.central.images.store import ImageStore
from services.central.link.fragments.deployment import DeploymentFragment
from services.central.link.fragments.process_indicator import ProcessIndicatorFragment
from services.central.namespaces.store import NamespaceStore
from services.central.risk.reader import RiskReader
from services.central.risk.store import RiskStore
from services.central.risk.worker import LOCK, RiskWorker, Rules
from tests.support import fleet
from tests.support.fleet import BLUE, GREEN, RED, Fleet, Place
from tests.support.link import Receiver
from tests.support.pki import FixedClock

pytestmark = pytest.mark.needs("postgres")
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
NOWHERE = "00000000-0000-4000-8000-000000000000"
Status = ContainerNameAndBaselineStatus
api = process_baseline_service_pb2


@dataclass
class Grants:
    """Deployments' processes of one place, to read or to write."""

    read: Scope = EVERYTHING
    write: Scope = NOTHING
    asked: list[str] = field(default_factory=list)

    def scope(self, resource: str, access: Access) -> Scope:
        self.asked.append(resource)
        return self.write if access is Access.READ_WRITE_ACCESS else self.read

    def role_names(self) -> frozenset[str]:
        return frozenset()


def caller(grants: Any) -> Call:
    return Call(method="/test", identity=Identity(uid="u", grants=grants))


ADMIN = caller(FullGrants())
READER = caller(Grants())


def key(place: Place = RED, container: str = "") -> ProcessBaselineKey:
    return ProcessBaselineKey(
        deployment_id=place.id("deployment"),
        container_name=container or f"{place.name}-container",
        cluster_id=place.cluster_id,
        namespace=place.name,
    )


@dataclass
class Site:
    """Central's parts around baselines and risk, and a clock that tests move."""

    pool: Pool

    def __post_init__(self) -> None:
        self.clock = FixedClock()
        self.baselines = BaselineStore(pool=self.pool, clock=self.clock, learning=HOUR)
        deployments = DeploymentStore(pool=self.pool)
        self.service = ProcessBaselineService(store=self.baselines, deployments=deployments)
        self.deployments = DeploymentService(
            store=deployments,
            baselines=self.baselines,
            risks=RiskReader(pool=self.pool),
            exports=Exports(pool=self.pool, clock=self.clock),
        )
        self.learning = Learning(clock=self.clock, duration=HOUR)
        self.processes = ProcessIndicatorFragment(
            store=ProtoStore(pool=self.pool, table=tables.PROCESS_INDICATORS), baselines=self.learning
        )
        self._ids: Iterator[int] = iter(range(1, 10_000))

    def worker(self, **rules: Any) -> RiskWorker:
        return RiskWorker(
            store=RiskStore(pool=self.pool),
            baselines=self.baselines,
            pool=self.pool,
            clock=self.clock,
            rules=Rules(interval=SECOND, **rules),
        )

    async def ran(self, *paths: str, place: Place = RED, start: bool = False, **signal: Any) -> None:
        """Sensor tells of processes, in the first minute of their container or later."""
        events = []
        for path in paths:
            made = ProcessIndicator(
                id=f"20000000-0000-4000-8000-{next(self._ids):012d}",
                deployment_id=place.id("deployment"),
                container_name=f"{place.name}-container",
                namespace=place.name,
            )
            made.signal.name, made.signal.exec_file_path = path.rpartition("/")[2], path
            for name, value in signal.items():
                setattr(made.signal, name, value)
            now = self.clock.now()
            made.signal.time.FromDatetime(now)
            made.container_start_time.FromDatetime(now - (SECOND if start else HOUR))
            events.append(SensorEvent(id=made.id, process_indicator=made))
        async with self.pool.transaction() as tx:
            await self.processes.apply(events, Cluster(id=place.cluster_id), tx)

    async def learned(self, *paths: str, place: Place = RED) -> ProcessBaseline:
        """The processes ran, and the deployment was watched to the end."""
        await self.ran(*paths, place=place)
        self.clock.moment += HOUR + SECOND
        await self.worker().round()
        return await self.baseline(place)

    async def baseline(self, place: Place = RED) -> ProcessBaseline:
        found = await self.baselines.get(key(place), scope=EVERYTHING)
        assert found is not None
        return found

    async def marked(self) -> list[str]:
        """Deployments that are to be looked at now."""
        found = await marks.oldest(self.pool, self.clock.now(), 1000)
        return sorted(one.deployment_id for one in found)

    async def risk(self, place: Place = RED) -> Mapping[str, tuple[float, list[str]]]:
        """Scores and factors by the name of the result."""
        answer = await self.deployments.GetDeploymentWithRisk(
            common_pb2.ResourceByID(id=place.id("deployment")), ADMIN
        )
        assert answer.deployment.risk_score == answer.risk.score
        return {one.name: (one.score, [f.message for f in one.factors]) for one in answer.risk.results}

    async def statuses(self, place: Place = RED) -> list[tuple[str, int, bool]]:
        answer = await self.deployments.ListDeploymentsWithProcessInfo(
            search_service_pb2.RawQuery(query=f'Deployment ID:"{place.id("deployment")}"'), ADMIN
        )
        return [
            (one.container_name, one.baseline_status, one.anomalous_processes_executed)
            for one in answer.deployments[0].baseline_statuses
        ]

    async def told(self) -> list[MsgToSensor]:
        """What Sensors get for the notices posted since the last time."""
        rows = await self.pool.fetch("DELETE FROM notices WHERE channel = $1 RETURNING ids", CHANNEL)
        messages: list[MsgToSensor] = []
        ids = sorted({id_ for row in rows for id_ in row["ids"]})
        await BaselineSync(source=self.baselines).changed(ids, lambda _, message: messages.append(message))
        return messages


def names(found: ProcessBaseline) -> list[str]:
    return [one.element.process_name for one in found.elements]


@pytest.fixture
async def site(central_pool: Pool) -> Site:
    """A fleet whose only process is `/bin/<place>-tool`, not yet told by the link."""
    made = Fleet(central_pool)
    await made.clear()
    tables_of_ours = "process_baselines, process_baseline_results, baseline_observations, risk_marks, risks"
    await central_pool.execute(f"TRUNCATE {tables_of_ours}, notices CASCADE")
    await made.write()
    await central_pool.execute("TRUNCATE process_indicators, risk_marks CASCADE")
    return Site(central_pool)


async def test_deployment_is_watched_for_an_hour_and_then_has_a_baseline(site: Site) -> None:
    await site.ran("/bin/b", "/bin/a", "/bin/b")
    site.clock.moment += HOUR - SECOND
    await site.ran("/bin/c")
    assert await site.marked() == []
    assert await site.worker().round() == 0
    assert await site.baselines.get(key(), scope=EVERYTHING) is None
    site.clock.moment += SECOND
    assert await site.worker().round() == 1
    made = await site.baseline()
    assert names(made) == ["/bin/a", "/bin/b", "/bin/c"]
    assert made.stack_rox_locked_timestamp == made.created
    assert not made.HasField("user_locked_timestamp")
    assert await site.statuses() == [("red-container", Status.LOCKED, False)]
    assert await site.told() == []


async def test_process_outside_of_a_learned_baseline_is_suspicious_until_it_is_added(site: Site) -> None:
    await site.learned("/bin/a")
    await site.ran("/bin/a")
    assert await site.marked() == []
    await site.ran("/bin/evil", args="-x")
    assert await site.marked() == [RED.id("deployment")]
    await site.worker().round()
    assert names(await site.baseline()) == ["/bin/a"]
    assert await site.statuses() == [("red-container", Status.LOCKED, True)]
    score, factors = (await site.risk())["Suspicious Process Executions"]
    assert score == pytest.approx(1.6)
    assert factors == [
        'Detected execution of suspicious process "evil" with args "-x" in container red-container'
    ]
    request = api.UpdateProcessBaselinesRequest(keys=[key()])
    request.add_elements.add(process_name="/bin/evil")
    answer = await site.service.UpdateProcessBaselines(request, ADMIN)
    assert names(answer.baselines[0]) == ["/bin/a", "/bin/evil"]
    await site.worker().round()
    assert "Suspicious Process Executions" not in await site.risk()
    assert await site.statuses() == [("red-container", Status.LOCKED, False)]


async def test_suspicious_processes_may_be_left_out_of_the_risk(site: Site) -> None:
    await site.learned("/bin/a")
    await site.ran("/bin/evil")
    await site.worker(processes_count=False).round()
    assert "Suspicious Process Executions" not in await site.risk()
    assert await site.statuses() == [("red-container", Status.LOCKED, True)]


async def test_start_of_a_container_is_learned_late_and_never_suspicious(site: Site) -> None:
    await site.learned("/bin/a")
    await site.ran("/bin/init", start=True)
    await site.worker().round()
    assert names(await site.baseline()) == ["/bin/a", "/bin/init"]
    await site.service.LockProcessBaselines(api.LockProcessBaselinesRequest(keys=[key()], locked=True), ADMIN)
    await site.ran("/bin/later", start=True)
    await site.worker().round()
    assert names(await site.baseline()) == ["/bin/a", "/bin/init"]
    assert await site.statuses() == [("red-container", Status.LOCKED, False)]


async def test_removed_process_is_suspicious_and_not_learned_again(site: Site) -> None:
    await site.learned("/bin/a", "/bin/b")
    request = api.UpdateProcessBaselinesRequest(keys=[key()])
    request.remove_elements.add(process_name="/bin/b")
    await site.service.UpdateProcessBaselines(request, ADMIN)
    await site.ran("/bin/b", start=True)
    await site.worker().round()
    found = await site.baseline()
    assert names(found) == ["/bin/a"]
    assert [one.element.process_name for one in found.element_graveyard] == ["/bin/b"]
    assert await site.statuses() == [("red-container", Status.LOCKED, True)]


async def test_baseline_made_on_demand_learns_on_and_is_locked_by_time(site: Site) -> None:
    await site.ran("/bin/a")
    made = await site.service.GetProcessBaseline(api.GetProcessBaselineRequest(key=key()), ADMIN)
    assert (names(made), made.id) == (
        ["/bin/a"],
        f"DC:{RED.cluster_id}:red:{RED.id('deployment')}:red-container",
    )
    assert made.stack_rox_locked_timestamp.seconds - made.created.seconds == 3600
    await site.ran("/bin/b")
    await site.worker().round()
    assert names(await site.baseline()) == ["/bin/a", "/bin/b"]
    assert await site.statuses() == [("red-container", Status.UNLOCKED, False)]
    site.clock.moment += HOUR
    assert await site.marked() == [RED.id("deployment")]
    await site.worker().round()
    assert await site.statuses() == [("red-container", Status.LOCKED, False)]
    again = await site.service.GetProcessBaseline(api.GetProcessBaselineRequest(key=key()), ADMIN)
    assert again == await site.baseline()


async def test_reader_sees_a_baseline_that_is_not_kept(site: Site) -> None:
    await site.ran("/bin/a")
    made = await site.service.GetProcessBaseline(api.GetProcessBaselineRequest(key=key()), READER)
    assert names(made) == ["/bin/a"]
    assert await site.baselines.get(key(), scope=EVERYTHING) is None


async def test_baseline_of_nothing_is_not_found(site: Site) -> None:
    unknown = key()
    unknown.deployment_id = NOWHERE
    with pytest.raises(NotFound, match=rf"^deployment with id '\"{NOWHERE}\"' does not exist: not found$"):
        await site.service.GetProcessBaseline(api.GetProcessBaselineRequest(key=unknown), ADMIN)
    elsewhere = key()
    elsewhere.namespace = "blue"
    with pytest.raises(NotFound, match=r"^No process baseline with key deployment_id:"):
        await site.service.GetProcessBaseline(api.GetProcessBaselineRequest(key=elsewhere), ADMIN)
    outside = caller(Grants(read=Scope(namespaces={BLUE.cluster_id: frozenset({BLUE.name})})))
    with pytest.raises(NotFound):
        await site.service.GetProcessBaseline(api.GetProcessBaselineRequest(key=key()), outside)
    with pytest.raises(
        Invalid, match=r"^invalid key: must specify both deployment id and container name: invalid arguments$"
    ):
        await site.service.GetProcessBaseline(api.GetProcessBaselineRequest(), ADMIN)


async def test_lock_is_told_to_sensors_and_so_is_its_end(site: Site) -> None:
    await site.learned("/bin/a")
    request = api.LockProcessBaselinesRequest(keys=[key(), key(BLUE)], locked=True)
    answer = await site.service.LockProcessBaselines(request, ADMIN)
    assert answer.baselines[0].HasField("user_locked_timestamp")
    assert [(one.error, one.key) for one in answer.errors] == [
        (
            f'no process baseline with id "DC:{BLUE.cluster_id}:blue:{BLUE.id("deployment")}:blue-container"',
            key(BLUE),
        )
    ]
    (message,) = await site.told()
    assert list(message.baseline_sync.baselines) == list(answer.baselines)
    (greeting,) = await BaselineSync(source=site.baselines).all_of(RED.cluster_id)
    assert greeting == message
    (other,) = await BaselineSync(source=site.baselines).all_of(GREEN.cluster_id)
    assert list(other.baseline_sync.baselines) == []
    await site.service.LockProcessBaselines(request, ADMIN)
    assert await site.told() == []
    request.locked = False
    await site.service.LockProcessBaselines(request, ADMIN)
    (message,) = await site.told()
    assert not message.baseline_sync.baselines[0].HasField("user_locked_timestamp")
    (greeting,) = await BaselineSync(source=site.baselines).all_of(RED.cluster_id)
    assert list(greeting.baseline_sync.baselines) == []


async def test_changes_stay_within_the_callers_scope(site: Site) -> None:
    await site.learned("/bin/a")
    await site.learned("/bin/a", place=BLUE)
    blue = caller(Grants(write=Scope(namespaces={BLUE.cluster_id: frozenset({BLUE.name})})))
    request = api.LockProcessBaselinesRequest(keys=[key(RED), key(BLUE)], locked=True)
    answer = await site.service.LockProcessBaselines(request, blue)
    assert [one.key for one in answer.baselines] == [key(BLUE)]
    assert [one.error for one in answer.errors] == ["access to resource denied"]
    assert not (await site.baseline(RED)).HasField("user_locked_timestamp")
    bulk = api.BulkProcessBaselinesRequest(cluster_id=RED.cluster_id)
    assert (await site.service.BulkUnlockProcessBaselines(bulk, blue)).success
    assert not (await site.baseline(BLUE)).HasField("user_locked_timestamp")
    deleted = await site.service.DeleteProcessBaselines(
        api.DeleteProcessBaselinesRequest(query="Cluster:alpha", confirm=True), blue
    )
    assert deleted.num_deleted == 1
    assert names(await site.baseline(RED)) == ["/bin/a"]


async def test_baselines_of_a_cluster_or_of_namespaces_are_locked_together(site: Site) -> None:
    for place in (RED, BLUE, GREEN):
        await site.learned("/bin/a", place=place)

    async def locked() -> list[str]:
        found = [(place.name, await site.baseline(place)) for place in (RED, BLUE, GREEN)]
        return [name for name, one in found if one.HasField("user_locked_timestamp")]

    request = api.BulkProcessBaselinesRequest(cluster_id=RED.cluster_id, namespaces=["blue"])
    assert (await site.service.BulkLockProcessBaselines(request, ADMIN)).success
    assert await locked() == ["blue"]
    del request.namespaces[:]
    await site.service.BulkLockProcessBaselines(request, ADMIN)
    assert await locked() == ["red", "blue"]
    await site.service.BulkUnlockProcessBaselines(request, ADMIN)
    assert await locked() == []
    with pytest.raises(Invalid, match=r"^no cluster ID specified: invalid arguments$"):
        await site.service.BulkLockProcessBaselines(api.BulkProcessBaselinesRequest(), ADMIN)


async def test_deleted_baseline_learns_anew(site: Site) -> None:
    await site.learned("/bin/a")
    await site.service.LockProcessBaselines(api.LockProcessBaselinesRequest(keys=[key()], locked=True), ADMIN)
    await site.told()
    request = api.DeleteProcessBaselinesRequest(query=f'Deployment ID:"{RED.id("deployment")}"')
    assert await site.service.DeleteProcessBaselines(request, ADMIN) == api.DeleteProcessBaselinesResponse(
        num_deleted=1, dry_run=True
    )
    assert names(await site.baseline()) == ["/bin/a"]
    request.confirm = True
    assert (await site.service.DeleteProcessBaselines(request, ADMIN)).num_deleted == 1
    (message,) = await site.told()
    assert not message.baseline_sync.baselines[0].HasField("user_locked_timestamp")
    assert names(await site.baseline()) == []
    await site.ran("/bin/b")
    await site.worker().round()
    # What ran before counts as well: it is still known to have run.
    assert names(await site.baseline()) == ["/bin/a", "/bin/b"]
    assert await site.statuses() == [("red-container", Status.UNLOCKED, False)]
    with pytest.raises(Invalid, match=r"^query string must be nonempty: invalid arguments$"):
        await site.service.DeleteProcessBaselines(api.DeleteProcessBaselinesRequest(), ADMIN)


async def test_baselines_are_locked_when_learned_where_the_cluster_says_so(site: Site) -> None:
    cluster = Cluster(id=RED.cluster_id, name="alpha")
    cluster.dynamic_config.auto_lock_process_baselines_config.enabled = True
    await ProtoStore(pool=site.pool, table=tables.CLUSTERS).upsert(cluster)
    await site.ran("/bin/a")
    await site.ran("/bin/a", place=GREEN)
    site.clock.moment += HOUR
    await site.worker().round()
    assert (await site.baseline(RED)).HasField("user_locked_timestamp")
    assert not (await site.baseline(GREEN)).HasField("user_locked_timestamp")
    (message,) = await site.told()
    assert [one.key for one in message.baseline_sync.baselines] == [key(RED)]


async def test_clusters_lock_nothing_when_the_feature_is_off(site: Site) -> None:
    cluster = Cluster(id=RED.cluster_id, name="alpha")
    cluster.dynamic_config.auto_lock_process_baselines_config.enabled = True
    await ProtoStore(pool=site.pool, table=tables.CLUSTERS).upsert(cluster)
    await site.ran("/bin/a")
    site.clock.moment += HOUR
    await site.worker(may_lock=False).round()
    assert not (await site.baseline(RED)).HasField("user_locked_timestamp")


async def test_everything_goes_with_the_deployment(site: Site) -> None:
    await site.learned("/bin/a")
    receiver = Receiver(site.pool, Cluster(id=RED.cluster_id, name="alpha"))
    fragment = next(one for one in receiver.fragments if isinstance(one, DeploymentFragment))
    event = SensorEvent(id=RED.id("deployment"), action=ResourceAction.REMOVE_RESOURCE)
    event.deployment.id = event.id
    async with site.pool.transaction() as tx:
        await fragment.apply([event], receiver.cluster, tx)
    await site.worker().round()
    for table in ("process_baselines", "process_baselines_elements", "process_baseline_results", "risks"):
        column = "parent_id" if table.endswith("elements") else "deploymentid::text"
        column = "id" if table in {"process_baselines", "risks"} else column
        rows = await site.pool.fetch(f"SELECT {column} AS id FROM {table}")  # noqa: S608 - constants
        assert [row["id"] for row in rows if RED.id("deployment") in row["id"]] == [], table
    assert await site.pool.fetchval("SELECT count(*) FROM baseline_observations") == 0
    assert await site.marked() == []


async def test_baselines_and_risks_go_with_the_cluster(site: Site) -> None:
    await site.learned("/bin/a")
    await ClusterStore(pool=site.pool, on_change=lambda: None).delete(RED.cluster_id)
    await site.worker().round()
    assert await site.baselines.get(key(), scope=EVERYTHING) is None
    assert await RiskReader(pool=site.pool).of_deployment(RED.id("deployment"), scope=EVERYTHING) is None


async def test_process_of_a_deployment_that_never_comes_is_forgotten(site: Site) -> None:
    await site.ran("/bin/a")
    await site.pool.execute("DELETE FROM deployments WHERE id = $1::text::uuid", RED.id("deployment"))
    site.clock.moment += HOUR
    assert await site.worker().round() == 1
    assert await site.worker().round() == 0
    assert await site.pool.fetchval("SELECT count(*) FROM baseline_observations") == 0


async def test_processes_that_are_not_kept_teach_nothing(site: Site) -> None:
    cluster = Cluster(id=RED.cluster_id)
    cluster.dynamic_config.process_indicators.no_persistence = True
    made = ProcessIndicator(id=NOWHERE, deployment_id=RED.id("deployment"))
    async with site.pool.transaction() as tx:
        await site.processes.apply([SensorEvent(id=NOWHERE, process_indicator=made)], cluster, tx)
    assert await site.pool.fetchval("SELECT count(*) FROM baseline_observations") == 0


async def test_sensor_of_another_cluster_teaches_a_deployment_nothing(site: Site) -> None:
    await site.learned("/bin/a")
    stranger = ProcessIndicator(id=NOWHERE, deployment_id=RED.id("deployment"), namespace=RED.name)
    stranger.container_name, stranger.signal.exec_file_path = "red-container", "/bin/strange"
    async with site.pool.transaction() as tx:
        event = SensorEvent(id=NOWHERE, process_indicator=stranger)
        await site.processes.apply([event], Cluster(id=GREEN.cluster_id), tx)
    await site.worker().round()
    assert names(await site.baseline()) == ["/bin/a"]
    assert await site.statuses() == [("red-container", Status.LOCKED, False)]
    await site.pool.execute("DELETE FROM process_baselines")
    made = await site.service.GetProcessBaseline(api.GetProcessBaselineRequest(key=key()), ADMIN)
    assert names(made) == ["/bin/a"]


async def test_process_without_usable_ids_is_passed_over(site: Site) -> None:
    made = ProcessIndicator(deployment_id="no uuid", cluster_id=RED.cluster_id)
    made.signal.exec_file_path = "/bin/a"
    await site.learning.observe([made], tx=site.pool)
    assert await site.pool.fetchval("SELECT count(*) FROM baseline_observations") == 0


async def test_risk_follows_alerts_and_the_deployment(site: Site) -> None:
    alert = fleet.alert(RED)
    alert.policy.severity, alert.policy.name = Severity.CRITICAL_SEVERITY, "Bad"
    alert.state = ViolationState.ACTIVE
    await AlertStore(pool=site.pool).put([alert])
    assert await site.marked() == [RED.id("deployment")]
    await site.worker().round()
    risk = await site.risk()
    score, factors = risk["Policy Violations"]
    assert score == pytest.approx(1.96)
    assert factors == ["Bad (severity: Critical)"]
    assert risk["Service Configuration"] == (
        1.25,
        ["Secrets red-secret are used inside the deployment", "No capabilities were dropped"],
    )
    alert.state = ViolationState.RESOLVED
    await AlertStore(pool=site.pool).put([alert])
    await site.worker().round()
    assert "Policy Violations" not in await site.risk()


async def test_risk_of_an_image_is_part_of_its_deployments(site: Site) -> None:
    images = ImageStore(pool=site.pool, clock=site.clock)
    image = fleet.image(RED)
    for number in range(15):
        image.scan.components.add(name=f"lib-{number}", version="1")
    image.scan.components.add(name="curl", version="8")
    image.scan.scan_time.FromDatetime(site.clock.now() + HOUR)
    await images.put(image)
    assert await site.marked() == [RED.id("deployment")]
    await site.worker().round()
    count = len({f"{one.name}:{one.version}" for one in image.scan.components})
    risk = await site.risk()
    assert risk["Number of Components in Image"][1] == [f'Image "{RED.image}" contains {count} components']
    score, factors = risk["Components Useful for Attackers"]
    assert score == pytest.approx(1.05)
    assert factors == [f'Image "{RED.image}" contains component curl']
    stored = await images.get(image.id, scope=EVERYTHING)
    assert stored is not None
    assert stored.risk_score > 1
    await site.pool.execute("TRUNCATE risk_marks")
    await images.put(image)
    assert await site.marked() == []
    # Sensors of older releases tell only the digest and the name.
    await site.pool.execute("UPDATE deployments_containers SET image_idv2 = NULL")
    image.scan.components.add(name="wget", version="1")
    image.scan.scan_time.FromDatetime(site.clock.now() + 2 * HOUR)
    await images.put(image)
    assert await site.marked() == [RED.id("deployment")]
    await images.delete([image])
    assert (
        await site.pool.fetchval("SELECT count(*) FROM risks WHERE id LIKE $1", f"image:{RED.image_id}") == 0
    )


async def test_score_of_nothing_is_none(site: Site) -> None:
    made = fleet.deployment(GREEN)
    made.risk_score = 3.5
    del made.containers[:]
    made.containers.add(name="app").security_context.drop_capabilities.append("ALL")
    store: ListedStore[Deployment, ListDeployment] = ListedStore(
        pool=site.pool, table=tables.DEPLOYMENTS, list_form=ListForm(ListDeployment, digest)
    )
    await store.upsert(made)
    await site.pool.execute("TRUNCATE alerts")
    await marks.add(site.pool, [made.id])
    await site.worker().round()
    answer = await site.deployments.GetDeploymentWithRisk(common_pb2.ResourceByID(id=made.id), ADMIN)
    assert not answer.HasField("risk")
    assert (answer.deployment.risk_score, answer.deployment.priority) == (0, 0)


async def test_unknown_deployment_has_no_risk(site: Site) -> None:
    with pytest.raises(NotFound, match=rf"^deployment with id '{NOWHERE}' does not exist: not found$"):
        await site.deployments.GetDeploymentWithRisk(common_pb2.ResourceByID(id=NOWHERE), ADMIN)


async def test_ranks_follow_the_scores(site: Site) -> None:
    for place, severity in ((RED, Severity.LOW_SEVERITY), (BLUE, Severity.CRITICAL_SEVERITY)):
        alert = fleet.alert(place)
        alert.policy.severity, alert.state = severity, ViolationState.ACTIVE
        await AlertStore(pool=site.pool).put([alert])
    await marks.add(site.pool, [GREEN.id("deployment")])
    await site.pool.execute("DELETE FROM alerts WHERE deployment_id = $1::text::uuid", GREEN.id("deployment"))
    await site.worker().round()
    listed = await site.deployments.ListDeployments(search_service_pb2.RawQuery(), ADMIN)
    assert isinstance(listed, deployment_service_pb2.ListDeploymentsResponse)
    assert [(one.name, one.priority) for one in listed.deployments] == [
        ("blue-web", 1),
        ("red-web", 2),
        ("green-web", 3),
    ]
    namespaces = await NamespaceStore(pool=site.pool).find("", scope=EVERYTHING)
    assert {one.name: one.priority for one in namespaces} == {"blue": 1, "red": 2, "green": 3}
    clusters = await ClusterStore(pool=site.pool, on_change=lambda: None).find("", scope=EVERYTHING)
    assert [(one.name, one.priority) for one in clusters] == [("alpha", 1), ("beta", 2)]
    # Equal scores share a rank, and the next one follows at once.
    await site.pool.execute(
        "UPDATE deployments SET riskscore = (SELECT riskscore FROM deployments WHERE id = $1::text::uuid)"
        " WHERE id = $2::text::uuid",
        BLUE.id("deployment"),
        RED.id("deployment"),
    )
    listed = await site.deployments.ListDeployments(search_service_pb2.RawQuery(), ADMIN)
    assert sorted((one.name, one.priority) for one in listed.deployments) == [
        ("blue-web", 1),
        ("green-web", 2),
        ("red-web", 1),
    ]


async def test_worker_passes_over_what_somebody_writes_and_comes_back(site: Site) -> None:
    await marks.add(site.pool, [RED.id("deployment"), BLUE.id("deployment")])
    async with site.pool.transaction() as writing:
        await writing.execute(
            "SELECT 1 FROM deployments WHERE id = $1::text::uuid FOR UPDATE", RED.id("deployment")
        )
        assert await site.worker().round() == 1
        assert await site.marked() == [RED.id("deployment")]
    assert await site.worker().round() == 1
    assert await site.marked() == []


async def test_only_one_replica_works(site: Site) -> None:
    await marks.add(site.pool, [RED.id("deployment")])
    async with site.pool.transaction() as other:
        await other.fetchval("SELECT pg_advisory_xact_lock($1)", advisory_key(LOCK))
        assert await site.worker().round() == 0
    assert await site.worker().round() == 1


class Counting:
    """A pool that counts the statements of its transactions."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.statements = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._pool.transaction() as tx:
            yield Counted(tx, self)


class Counted:
    """One of its transactions."""

    def __init__(self, tx: Any, pool: Counting) -> None:
        self._tx, self._pool = tx, pool

    def __getattr__(self, name: str) -> Any:
        self._pool.statements += 1
        return getattr(self._tx, name)


async def test_number_of_statements_does_not_grow_with_the_deployments(site: Site) -> None:
    async def statements(*places: Place) -> int:
        await marks.add(site.pool, [place.id("deployment") for place in places])
        pool: Any = Counting(site.pool)
        worker = RiskWorker(
            store=RiskStore(pool=site.pool),
            baselines=site.baselines,
            pool=pool,
            clock=site.clock,
            rules=Rules(interval=SECOND),
        )
        assert await worker.round() == len(places)
        return int(pool.statements)

    for place in (RED, BLUE, GREEN):
        await site.learned("/bin/a", place=place)
        await site.ran("/bin/evil", place=place)
    await site.worker().round()
    assert await statements(RED) == await statements(RED, BLUE, GREEN) < 30
