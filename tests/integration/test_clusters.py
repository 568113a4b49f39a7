"""Clusters: what administrators may set, what a scope shows, what a deletion takes along."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pyrox.errors import AlreadyExists, Internal, Invalid, NotAuthorized, NotFound, RoxError
from pyrox.pb.api.v1.cluster_service_pb2 import GetClustersRequest
from pyrox.pb.api.v1.common_pb2 import ResourceByID
from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.pb.storage import cluster_pb2
from pyrox.pb.storage.cluster_pb2 import Cluster, ClusterHealthStatus
from pyrox.pg.pool import Pool
from pyrox.rpc.call import Call
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.clusters.health import from_report
from services.central.clusters.service import ClustersService
from services.central.clusters.store import ClusterStore
from tests.support.callers import ADMIN, limited
from tests.support.fleet import BLUE, GREEN, RED, Fleet
from tests.support.pki import FixedClock

pytestmark = pytest.mark.needs("postgres")
NOBODY_ID = "00000000-0000-4000-8000-000000000000"
OWNED = (
    *("deployments", "pods", "namespaces", "nodes", "secrets", "service_accounts"),
    *("k8s_roles", "role_bindings", "networkpolicies", "process_indicators"),
)
Label = ClusterHealthStatus.HealthStatusLabel


class Link:
    """The Sensors' side: who is connected, and what was pushed."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.pushed: list[Cluster] = []
        self.ended: list[str] = []

    def connected(self, cluster_id: str) -> bool:
        return cluster_id in self.open

    async def config_changed(self, cluster: Cluster) -> None:
        self.pushed.append(cluster)

    async def cluster_deleted(self, cluster_id: str) -> None:
        self.ended.append(cluster_id)


class Site:
    """The service over an empty set of clusters."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.clock = FixedClock()
        self.changes = 0
        self.link = Link()
        self.store = ClusterStore(pool=pool, on_change=self._changed)
        self.service = ClustersService(store=self.store, link=self.link, clock=self.clock)

    def _changed(self) -> None:
        self.changes += 1

    async def post(self, call: Call = ADMIN, **fields: Any) -> Cluster:
        answer = await self.service.PostCluster(Cluster(**fields), call)
        return answer.cluster

    async def get(self, cluster_id: str, call: Call = ADMIN) -> Cluster:
        return (await self.service.GetCluster(ResourceByID(id=cluster_id), call)).cluster

    async def names(self, query: str = "", call: Call = ADMIN) -> list[str]:
        found = await self.service.GetClusters(GetClustersRequest(query=query), call)
        return [cluster.name for cluster in found.clusters]


@pytest.fixture
async def site(central_pool: Pool) -> Site:
    await Fleet(central_pool).clear()
    await central_pool.execute("DELETE FROM cluster_health_statuses")
    return Site(central_pool)


async def test_post_fills_what_the_reference_system_fills(site: Site) -> None:
    made = await site.post(name="prod")
    assert made == await site.store.get(made.id, scope=EVERYTHING)
    assert made.type == cluster_pb2.KUBERNETES_CLUSTER
    assert made.central_api_endpoint == "central.stackrox:443"
    assert made.collection_method == cluster_pb2.CORE_BPF
    admission = made.dynamic_config.admission_controller_config
    assert (admission.enabled, admission.scan_inline, admission.enforce_on_updates) == (True, True, True)
    assert admission.timeout_seconds == 10
    assert made.dynamic_config.disable_audit_logs
    assert made.HasField("tolerations_config")
    assert site.changes == 1


async def test_post_keeps_what_was_asked_for(site: Site) -> None:
    wanted = Cluster(name="shift", type=cluster_pb2.OPENSHIFT4_CLUSTER, labels={"env": "prod"})
    wanted.central_api_endpoint = "central.example:8443"
    wanted.dynamic_config.admission_controller_config.timeout_seconds = 3
    made = (await site.service.PostCluster(wanted, ADMIN)).cluster
    assert made.central_api_endpoint == "central.example:8443"
    assert dict(made.labels) == {"env": "prod"}
    assert made.dynamic_config.admission_controller_config.timeout_seconds == 3
    assert not made.dynamic_config.admission_controller_config.enabled
    assert not made.dynamic_config.disable_audit_logs


async def test_post_takes_nothing_that_sensors_report(site: Site) -> None:
    wanted = Cluster(name="prod", init_bundle_id="b", sensor_capabilities=["X"])
    wanted.status.sensor_version = "9"
    wanted.health_status.overall_health_status = Label.HEALTHY
    wanted.most_recent_sensor_id.app_namespace = "stackrox"
    wanted.managed_by = cluster_pb2.MANAGER_TYPE_HELM_CHART
    wanted.helm_config.cluster_labels["a"] = "b"
    made = (await site.service.PostCluster(wanted, ADMIN)).cluster
    stored = await site.get(made.id)
    for field in ("status", "most_recent_sensor_id", "helm_config"):
        assert not stored.HasField(field), field
    assert (stored.init_bundle_id, list(stored.sensor_capabilities)) == ("", [])
    assert stored.managed_by == cluster_pb2.MANAGER_TYPE_UNKNOWN
    assert stored.health_status.overall_health_status == Label.UNINITIALIZED


@pytest.mark.parametrize(
    ("fields", "kind", "message"),
    [
        ({}, Internal, "cannot add a cluster without name"),
        (
            {"name": "x", "id": NOBODY_ID},
            Invalid,
            "Id field should be empty when posting a new cluster: invalid arguments",
        ),
        ({"name": "twice"}, AlreadyExists, "the cluster with name twice exists, cannot re-add it"),
    ],
)
async def test_post_is_refused(
    site: Site, fields: dict[str, Any], kind: type[RoxError], message: str
) -> None:
    await site.post(name="twice")
    with pytest.raises(kind) as caught:
        await site.post(**fields)
    assert caught.value.message.startswith(message)
    assert await site.names() == ["twice"]


async def test_post_of_one_name_at_the_same_time_makes_one_cluster(site: Site) -> None:
    results = await asyncio.gather(*(site.post(name="prod") for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(result, Cluster) for result in results) == 1
    assert all(isinstance(result, Cluster | AlreadyExists) for result in results), results
    assert await site.names() == ["prod"]


async def test_post_needs_the_right_to_every_cluster(site: Site) -> None:
    one = limited(Scope(clusters=frozenset({RED.cluster_id})), write=("Cluster",))
    for call in (one, limited(EVERYTHING, read=("Cluster",))):
        with pytest.raises(NotAuthorized, match='"READ_WRITE_ACCESS" for "Cluster"'):
            await site.post(call, name="new")
    await site.post(limited(EVERYTHING, write=("Cluster",)), name="new")


async def test_caller_sees_and_changes_only_clusters_of_its_scope(site: Site) -> None:
    await Fleet(site.pool).write()
    call = limited(Scope(clusters=frozenset({RED.cluster_id})), write=("Cluster",))
    assert await site.names() == ["alpha", "beta"]
    assert await site.names(call=call) == ["alpha"]
    assert await site.names("Cluster:beta", call) == []
    assert (await site.get(RED.cluster_id, call)).name == "alpha"
    with pytest.raises(NotFound):
        await site.get(GREEN.cluster_id, call)
    with pytest.raises(NotFound):
        await site.service.PutCluster(Cluster(id=GREEN.cluster_id, name="stolen"), call)
    with pytest.raises(Internal):
        await site.service.DeleteCluster(ResourceByID(id=GREEN.cluster_id), call)
    assert await site.names() == ["alpha", "beta"]
    assert site.link.ended == []


async def test_reader_changes_nothing(site: Site) -> None:
    made = await site.post(name="prod")
    call = limited(EVERYTHING, read=("Cluster",))
    with pytest.raises(NotFound):
        await site.service.PutCluster(Cluster(id=made.id, name="other"), call)
    with pytest.raises(Internal):
        await site.service.DeleteCluster(ResourceByID(id=made.id), call)
    assert await site.names(call=call) == ["prod"]


async def test_namespace_scope_shows_no_cluster_as_a_whole(site: Site) -> None:
    await Fleet(site.pool).write()
    call = limited(Scope(namespaces={BLUE.cluster_id: frozenset({BLUE.name})}), read=("Cluster",))
    assert await site.names(call=call) == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["a-prod", "b-prod", "c-test"]),
        ("Cluster:b-prod", ["b-prod"]),
        ("Cluster Label:env=prod", ["a-prod", "b-prod"]),
        ("Cluster:nosuch", []),
    ],
)
async def test_list_is_by_name_and_follows_the_query(site: Site, query: str, names: list[str]) -> None:
    for name in ("c-test", "b-prod", "a-prod"):
        await site.post(name=name, labels={"env": name[2:]})
    assert await site.names(query) == names


async def test_put_replaces_settings_and_keeps_what_sensors_reported(site: Site) -> None:
    made = await site.post(name="prod", labels={"a": "b"})
    known = await site.store.get(made.id, scope=EVERYTHING)
    assert known is not None
    known.status.sensor_version = "4.11.0"
    known.sensor_capabilities.append("SensorDetection")
    known.most_recent_sensor_id.app_namespace = "stackrox"
    known.init_bundle_id = "bundle"
    known.managed_by = cluster_pb2.MANAGER_TYPE_HELM_CHART
    known.helm_config.config_fingerprint = "f"
    await site.store.put(known)

    wanted = Cluster(id=made.id, name="production", init_bundle_id="other", sensor_capabilities=["Y"])
    wanted.status.sensor_version = "0"
    wanted.dynamic_config.admission_controller_config.timeout_seconds = 20
    answer = (await site.service.PutCluster(wanted, ADMIN)).cluster
    stored = await site.get(made.id)
    assert answer == stored
    assert (stored.name, dict(stored.labels)) == ("production", {})
    assert stored.dynamic_config.admission_controller_config.timeout_seconds == 20
    assert stored.status.sensor_version == "4.11.0"
    assert list(stored.sensor_capabilities) == ["SensorDetection"]
    assert stored.most_recent_sensor_id.app_namespace == "stackrox"
    assert (stored.init_bundle_id, stored.helm_config.config_fingerprint) == ("bundle", "f")
    assert stored.managed_by == cluster_pb2.MANAGER_TYPE_HELM_CHART
    assert [cluster.name for cluster in site.link.pushed] == ["production"]


async def test_changes_at_the_same_time_are_all_kept(site: Site) -> None:
    made = await site.post(name="prod")

    def label(number: int) -> Callable[[Cluster], None]:
        return lambda cluster: cluster.labels.update({f"k{number}": "v"})

    changed = await asyncio.gather(*(site.store.change(made.id, label(number)) for number in range(8)))
    assert all(changed)
    assert len((await site.get(made.id)).labels) == 8


async def test_change_of_a_deleted_cluster_does_not_bring_it_back(site: Site) -> None:
    made = await site.post(name="prod")
    await site.service.DeleteCluster(ResourceByID(id=made.id), ADMIN)
    changes = site.changes
    assert await site.store.change(made.id, lambda cluster: cluster.labels.update({"a": "b"})) is None
    assert await site.names() == []
    assert site.changes == changes


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        ({"name": "x"}, Invalid),
        ({"id": NOBODY_ID, "name": "x"}, NotFound),
        ({"id": "no uuid", "name": "x"}, NotFound),
        ({"id": "made", "name": ""}, Invalid),
        ({"id": "made", "name": "other"}, AlreadyExists),
    ],
)
async def test_put_is_refused(site: Site, wanted: dict[str, str], kind: type[RoxError]) -> None:
    made = await site.post(name="prod")
    await site.post(name="other")
    request = Cluster(**{k: made.id if v == "made" else v for k, v in wanted.items()})  # type: ignore[arg-type]
    with pytest.raises(kind):
        await site.service.PutCluster(request, ADMIN)
    assert await site.names() == ["other", "prod"]
    assert site.link.pushed == []


@pytest.mark.parametrize(("wanted", "kind"), [("", Invalid), (NOBODY_ID, NotFound), ("no uuid", NotFound)])
async def test_get_of_no_cluster_is_refused(site: Site, wanted: str, kind: type[RoxError]) -> None:
    with pytest.raises(kind):
        await site.get(wanted)


async def test_delete_takes_the_clusters_objects_and_no_others(site: Site) -> None:
    await Fleet(site.pool).write()
    await site.store.put_health(from_report(RED.cluster_id, None, site.clock.now()))
    await site.service.DeleteCluster(ResourceByID(id=RED.cluster_id), ADMIN)
    assert site.link.ended == [RED.cluster_id]
    assert await site.names() == ["beta"]
    assert await site.store.health(RED.cluster_id) is None
    for table in OWNED:
        rows = await site.pool.fetch(f"SELECT DISTINCT clusterid::text AS id FROM {table}")  # noqa: S608 - ours
        assert [row["id"] for row in rows] == [GREEN.cluster_id], table
    # Alerts stay until retention takes them.
    assert await site.pool.fetchval("SELECT count(*) FROM alerts") == 3


@pytest.mark.parametrize("wanted", [NOBODY_ID, "no uuid"])
async def test_delete_of_an_unknown_cluster_answers_as_the_reference_system(site: Site, wanted: str) -> None:
    with pytest.raises(Internal) as caught:
        await site.service.DeleteCluster(ResourceByID(id=wanted), ADMIN)
    assert caught.value.message == f'unable to find cluster "{wanted}"'
    with pytest.raises(Invalid, match="Request must have a id"):
        await site.service.DeleteCluster(ResourceByID(), ADMIN)


@pytest.mark.parametrize(
    ("silent", "label"),
    [
        (timedelta(seconds=30), Label.HEALTHY),
        (timedelta(minutes=2), Label.DEGRADED),
        (timedelta(minutes=10), Label.UNHEALTHY),
    ],
)
async def test_health_ages_only_without_a_connection(
    site: Site, silent: timedelta, label: Label.ValueType
) -> None:
    made = await site.post(name="prod")
    await site.store.put_health(from_report(made.id, None, site.clock.now()))
    site.clock.moment += silent
    assert (await site.get(made.id)).health_status.sensor_health_status == label
    listed = (await site.service.GetClusters(GetClustersRequest(), ADMIN)).clusters[0]
    assert listed.health_status.overall_health_status == label
    site.link.open.add(made.id)
    assert (await site.get(made.id)).health_status.sensor_health_status == Label.HEALTHY
    stored = await site.store.health(made.id)
    assert stored is not None
    assert stored.sensor_health_status == Label.HEALTHY


async def test_health_is_no_part_of_the_stored_cluster(site: Site) -> None:
    made = await site.post(name="prod")
    await site.store.put_health(from_report(made.id, None, site.clock.now()))
    found = await site.store.by_name("prod", scope=EVERYTHING)
    assert found is not None
    assert found.health_status.id == made.id
    await site.store.put(found)
    data = await site.pool.fetchval("SELECT serialized FROM clusters")
    assert not Cluster.FromString(data).HasField("health_status")
    assert await site.store.by_name("PROD", scope=EVERYTHING) is None
    assert await site.store.by_name("pro", scope=EVERYTHING) is None


async def test_defaults_are_told(site: Site) -> None:
    answer = await site.service.GetClusterDefaultValues(Empty(), ADMIN)
    assert answer.main_image_repository == "quay.io/stackrox-io/main"
    assert answer.collector_image_repository == "quay.io/stackrox-io/collector"
    assert not (await site.service.GetKernelSupportAvailable(Empty(), ADMIN)).kernel_support_available
