"""What a stream brings, on its way into the database: order, dedupe state, reconciliation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pyrox.errors import Unavailable
from pyrox.pb.internalapi.central.sensor_events_pb2 import SensorEvent
from pyrox.pb.storage.alert_pb2 import Alert, ViolationState
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.policy_pb2 import LifecycleStage, Policy
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.clusters.store import ClusterStore
from services.central.db import tables
from services.central.db.store import ProtoStore
from services.central.link.fragments import Fragment
from tests.support.link import ID, REMOVE, Receiver, event, synced

pytestmark = pytest.mark.needs("postgres")
HERE = "6c7a0a4e-3d0c-4e22-9f0f-5a8a2f6b1d11"
ELSEWHERE = "6c7a0a4e-3d0c-4e22-9f0f-5a8a2f6b1d12"


@pytest.fixture
async def receiver(central_pool: Pool) -> Receiver:
    emptied = "deployments namespaces networkpolicies nodes alerts policies process_indicators sensor_hashes"
    await central_pool.execute(f"TRUNCATE clusters, {', '.join(emptied.split())} CASCADE")
    clusters = ProtoStore(pool=central_pool, table=tables.CLUSTERS)
    await clusters.upsert_many([Cluster(id=HERE, name="here"), Cluster(id=ELSEWHERE, name="elsewhere")])
    return Receiver(central_pool, Cluster(id=HERE, name="here"))


async def names(receiver: Receiver) -> dict[str, str]:
    return {found.id: found.name for found in await receiver.deployments.find(scope=EVERYTHING)}


async def test_object_is_stored_with_its_cluster_and_its_hash(receiver: Receiver) -> None:
    await receiver.receive(
        event("deployment", 1, "web", hash_=2**64 - 1), event("namespace", 2, "shop", hash_=0)
    )
    (stored,) = await receiver.deployments.find(scope=EVERYTHING)
    assert (stored.cluster_id, stored.cluster_name, stored.name) == (HERE, "here", "web")
    assert await receiver.hashes.load(HERE) == {f"Deployment:{ID(1)}": 2**64 - 1, f"Namespace:{ID(2)}": 0}
    assert await receiver.hashes.load(ELSEWHERE) == {}


@pytest.mark.parametrize(
    ("events", "left", "hash_"),
    [
        pytest.param([("b", 2), ("a", 1)], "a", 1, id="there and back"),
        pytest.param([("b", 2), ("a", 1), ("c", 3)], "c", 3, id="there and back and away"),
        pytest.param([("a", 1), ("a", 1)], "a", 1, id="nothing new"),
        pytest.param([("", None), ("a", 1)], "a", 1, id="removed and made again"),
        pytest.param([("b", 2), ("", None)], None, None, id="changed and removed"),
        pytest.param([("b", None), ("a", 1)], "a", 1, id="without a hash, then as before"),
    ],
)
@pytest.mark.parametrize("batches", ["one batch", "one each"])
async def test_last_word_about_an_object_counts(
    receiver: Receiver,
    events: Sequence[tuple[str, int | None]],
    left: str | None,
    hash_: int | None,
    batches: str,
) -> None:
    inbox = await receiver.receive(event("deployment", 1, "a", hash_=1))
    said = [
        event("deployment", 1, name, hash_=number) if name else event("deployment", 1, action=REMOVE)
        for name, number in events
    ]
    for batch in [said] if batches == "one batch" else [[one] for one in said]:
        await receiver.receive(*batch, inbox=inbox)
    assert (await names(receiver)).get(ID(1)) == left
    assert (await receiver.hashes.load(HERE)).get(f"Deployment:{ID(1)}") == hash_


async def test_known_object_is_not_written_again_by_the_next_stream(receiver: Receiver) -> None:
    await receiver.receive(event("deployment", 1, "as stored", hash_=7))
    await receiver.receive(event("deployment", 1, "same hash", hash_=7))
    assert await names(receiver) == {ID(1): "as stored"}
    assert receiver.counted("rox_central_sensor_events_stored", kind="deployment") == 1


async def test_objects_that_vanished_while_away_are_removed(receiver: Receiver) -> None:
    await receiver.receive(
        *(event(kind, n, f"{kind}-{n}", hash_=n) for kind in ("deployment", "namespace") for n in (1, 2, 3))
    )
    other = Receiver(receiver.pool, Cluster(id=ELSEWHERE, name="elsewhere"))
    await other.receive(event("deployment", 9, "elsewhere", hash_=9))
    await receiver.receive(
        event("deployment", 1, "told again", hash_=11),
        event("namespace", 3, "told again", hash_=13),
        synced(f"Deployment:{ID(2)}", f"Namespace:{ID(1)}", "NetworkPolicy:unknown", "nonsense", ":", ""),
    )
    assert await names(receiver) == {ID(1): "told again", ID(2): "deployment-2", ID(9): "elsewhere"}
    namespaces = await ProtoStore(pool=receiver.pool, table=tables.NAMESPACES).keys(scope=EVERYTHING)
    assert sorted(namespaces) == [ID(1), ID(3)]
    assert await receiver.hashes.load(HERE) == {
        f"Deployment:{ID(1)}": 11,
        f"Deployment:{ID(2)}": 2,
        f"Namespace:{ID(1)}": 1,
        f"Namespace:{ID(3)}": 13,
    }


async def test_unchanged_names_of_two_words_are_understood(receiver: Receiver) -> None:
    await receiver.receive(event("network_policy", 1, "kept"), event("network_policy", 2, "gone"))
    await receiver.receive(synced(f"NetworkPolicy:{ID(1)}"))
    kept = await ProtoStore(pool=receiver.pool, table=tables.NETWORK_POLICIES).keys(scope=EVERYTHING)
    assert kept == [ID(1)]


async def test_second_synced_on_a_stream_means_nothing(receiver: Receiver) -> None:
    await receiver.receive(event("deployment", 1, "web", hash_=1))
    inbox = await receiver.receive(synced(f"Deployment:{ID(1)}"), synced())
    await receiver.receive(synced(), inbox=inbox)
    assert await names(receiver) == {ID(1): "web"}


async def test_object_made_again_right_after_synced_is_stored(receiver: Receiver) -> None:
    await receiver.receive(event("deployment", 1, "web", hash_=1))
    await receiver.receive(event("namespace", 5, "x"), synced(), event("deployment", 1, "web", hash_=1))
    assert await names(receiver) == {ID(1): "web"}
    assert (await receiver.hashes.load(HERE))[f"Deployment:{ID(1)}"] == 1


async def test_processes_and_alerts_outlive_reconciliation(receiver: Receiver) -> None:
    process = SensorEvent(id=ID(1))
    process.process_indicator.id, process.process_indicator.deployment_id = ID(1), ID(7)
    await receiver.policies.put(Policy(id="p", name="P"))
    await receiver.receive(process, results(7, alert("p")), synced(f"Deployment:{ID(7)}"))
    await receiver.receive(synced())
    indicators = ProtoStore(pool=receiver.pool, table=tables.PROCESS_INDICATORS)
    (stored,) = await indicators.find(scope=EVERYTHING)
    assert (stored.id, stored.cluster_id) == (ID(1), HERE)
    assert await receiver.alerts.count("", scope=EVERYTHING) == 1
    assert list(await receiver.hashes.load(HERE)) == [f"AlertResults:{ID(7)}"]


async def test_processes_are_not_kept_where_the_cluster_says_so(receiver: Receiver) -> None:
    receiver.cluster.dynamic_config.process_indicators.no_persistence = True
    process = SensorEvent(id=ID(1))
    process.process_indicator.id = ID(1)
    await receiver.receive(process)
    assert await ProtoStore(pool=receiver.pool, table=tables.PROCESS_INDICATORS).count(scope=EVERYTHING) == 0


def alert(policy: str, stage: int = LifecycleStage.DEPLOY, state: int = ViolationState.ACTIVE) -> Alert:
    made = Alert(
        lifecycle_stage=LifecycleStage.ValueType(stage),
        state=ViolationState.ValueType(state),
        namespace="shop",
    )
    made.policy.id, made.policy.name = policy, policy.upper()
    made.deployment.id, made.deployment.name = ID(7), "web"
    made.time.seconds = 1
    made.violations.add(message="m")
    return made


def results(
    deployment: int, *alerts: Alert, stage: int = LifecycleStage.DEPLOY, hash_: int = 5
) -> SensorEvent:
    made = SensorEvent(id=ID(deployment), sensor_hash=hash_)
    made.alert_results.deployment_id = ID(deployment)
    made.alert_results.stage = LifecycleStage.ValueType(stage)
    made.alert_results.alerts.extend(alerts)
    made.alert_results.SetInParent()
    return made


async def states(receiver: Receiver) -> dict[str, str]:
    query = "Violation State:ACTIVE,RESOLVED,ATTEMPTED"
    found = await receiver.alerts.times(query, scope=EVERYTHING)
    return {one.policy.id: ViolationState.Name(one.state) for one in found}


@pytest.mark.parametrize("way", ["told", "vanished"])
async def test_removed_deployment_ends_its_alerts_and_what_is_known_of_them(
    receiver: Receiver, way: str
) -> None:
    await receiver.policies.put(Policy(id="deploy", name="Deploy"), Policy(id="runtime", name="Runtime"))
    runtime = results(7, alert("runtime", LifecycleStage.RUNTIME), stage=LifecycleStage.RUNTIME, hash_=6)
    inbox = await receiver.receive(
        event("namespace", 3, "shop"),
        event("deployment", 7, "web", hash_=1),
        results(7, alert("deploy")),
        runtime,
    )
    assert await states(receiver) == {"deploy": "ACTIVE", "runtime": "ACTIVE"}
    if way == "told":
        await receiver.receive(event("deployment", 7, action=REMOVE), inbox=inbox)
    else:
        await receiver.receive(synced(f"Namespace:{ID(3)}"))
    assert await states(receiver) == {"deploy": "RESOLVED", "runtime": "ACTIVE"}
    open_ones = await receiver.alerts.open_runtime_matching("", scope=EVERYTHING)
    assert [(one.deployment.inactive, one.namespace_id) for one in open_ones] == [(True, ID(3))]
    assert list(await receiver.hashes.load(HERE)) == []
    if way == "told":
        await receiver.receive(
            event("deployment", 7, "web", hash_=1), results(7, alert("deploy")), inbox=inbox
        )
        assert await receiver.alerts.count("Lifecycle Stage:DEPLOY", scope=EVERYTHING) == 1


async def test_only_full_lists_of_deploy_alerts_are_in_the_dedupe_state(receiver: Receiver) -> None:
    await receiver.policies.put(*(Policy(id=p, name=p.title() * 3) for p in ("one", "two", "three", "four")))
    await receiver.receive(
        results(1, alert("one")),
        results(2, alert("two", state=ViolationState.ATTEMPTED)),
        results(3, alert("three", LifecycleStage.RUNTIME), stage=LifecycleStage.RUNTIME),
        results(4),
    )
    assert sorted(await receiver.hashes.load(HERE)) == [f"AlertResults:{ID(1)}", f"AlertResults:{ID(4)}"]


class Failing:
    """A fragment that lets a test decide what an event meets."""

    kinds = frozenset({"node"})

    def __init__(self, meets: Callable[[SensorEvent], None]) -> None:
        self.meets = meets
        self.applied: list[str] = []

    async def apply(self, events: Sequence[SensorEvent], cluster: Cluster, tx: Database) -> None:
        for one in events:
            self.meets(one)
            self.applied.append(one.id)

    async def reconcile(self, seen: Any, kind: str, cluster: Cluster, tx: Database) -> list[str]:
        return []


def with_failing(receiver: Receiver, failing: Failing) -> list[Fragment]:
    return [one for one in receiver.fragments if "node" not in one.kinds] + [failing]


async def test_events_wait_for_the_database_and_are_then_stored_in_order(receiver: Receiver) -> None:
    left = [3]

    def away(_: SensorEvent) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise Unavailable("the database is away")

    inbox = receiver.inbox(fragments=with_failing(receiver, Failing(away)))
    await receiver.receive(
        event("deployment", 1, "first", hash_=1),
        event("node", 2),
        event("deployment", 1, "second", hash_=2),
        inbox=inbox,
    )
    assert left == [-1]
    assert await names(receiver) == {ID(1): "second"}
    assert receiver.counted("rox_central_sensor_events_stored", kind="deployment") == 2


async def test_reconciliation_whose_transaction_failed_is_done_again(receiver: Receiver) -> None:
    await receiver.receive(event("deployment", 1, "gone", hash_=1), event("deployment", 2, "kept", hash_=2))
    left = [1]

    def away(_: SensorEvent) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise Unavailable("the database is away")

    inbox = receiver.inbox(fragments=with_failing(receiver, Failing(away)))
    await receiver.receive(synced(f"Deployment:{ID(2)}"), event("node", 3), inbox=inbox)
    assert await names(receiver) == {ID(2): "kept"}


@pytest.mark.parametrize("bad_id", ["not-a-uuid", "", "10000000-0000-4000-8000-00000000000\0"])
async def test_event_that_cannot_be_stored_takes_no_other_with_it(receiver: Receiver, bad_id: str) -> None:
    await receiver.receive(event("deployment", 8, "vanished", hash_=8))
    bad = SensorEvent(id=bad_id, sensor_hash=2)
    bad.deployment.id = bad_id
    inbox = await receiver.receive(
        event("deployment", 1, "before", hash_=1), bad, synced(), event("deployment", 3, "after", hash_=3)
    )
    assert await names(receiver) == {ID(1): "before", ID(3): "after"}
    assert receiver.counted("rox_central_sensor_events_refused", kind="deployment") == 1
    assert f"Deployment:{bad.id}" not in await receiver.hashes.load(HERE)
    await receiver.receive(event("deployment", 4, "later", hash_=4), inbox=inbox)
    assert ID(4) in await names(receiver)


async def test_object_whose_news_cannot_be_stored_is_not_reconciled_away(receiver: Receiver) -> None:
    await receiver.receive(event("deployment", 1, "good", hash_=1))
    bad = SensorEvent(id=ID(1), sensor_hash=2)
    bad.deployment.id = "not-a-uuid"
    await receiver.receive(bad, synced())
    assert await names(receiver) == {ID(1): "good"}
    assert await receiver.hashes.load(HERE) == {f"Deployment:{ID(1)}": 1}


async def test_text_with_a_null_is_stored_without_it_in_searches(receiver: Receiver) -> None:
    await receiver.receive(event("deployment", 2, "evil\0name", hash_=2), event("deployment", 3, "web"))
    assert sorted(await names(receiver)) == [ID(2), ID(3)]


async def test_unknown_kinds_are_counted_and_pass(receiver: Receiver) -> None:
    await receiver.receive(SensorEvent(id="x"), event("pod", 1, "web"), event("deployment", 2, "web"))
    assert receiver.counted("rox_central_sensor_events_unhandled", kind="pod") == 1
    assert receiver.counted("rox_central_sensor_events_unhandled", kind="empty") == 1
    assert ID(2) in await names(receiver)


async def test_nothing_is_stored_of_a_cluster_that_was_deleted_meanwhile(receiver: Receiver) -> None:
    inbox = await receiver.receive(event("deployment", 1, "web", hash_=1))
    await ClusterStore(pool=receiver.pool, on_change=lambda: None).delete(HERE)
    await receiver.receive(
        event("deployment", 2, "late", hash_=2), event("namespace", 3, "late"), inbox=inbox
    )
    assert await names(receiver) == {}
    assert await receiver.hashes.load(HERE) == {}
    assert inbox.waiting == 0


async def test_cluster_deleted_while_events_are_stored_leaves_nothing(receiver: Receiver) -> None:
    inbox = receiver.inbox()
    async with receiver.working(inbox):
        for number in range(600):
            await inbox.put(event("deployment", number, "web", hash_=1))
            if number == 500:
                await ClusterStore(pool=receiver.pool, on_change=lambda: None).delete(HERE)
    assert await names(receiver) == {}
    assert await receiver.hashes.load(HERE) == {}


async def test_more_events_than_a_batch_and_a_queue_hold_arrive_in_order(receiver: Receiver) -> None:
    inbox = receiver.inbox()
    async with receiver.working(inbox):
        for round_ in range(3):
            for number in range(450):
                await inbox.put(event("deployment", number, f"round-{round_}", hash_=round_))
    found = await names(receiver)
    assert len(found) == 450
    assert set(found.values()) == {"round-2"}
    assert set((await receiver.hashes.load(HERE)).values()) == {2}


async def test_drain_stores_what_was_taken(receiver: Receiver) -> None:
    inbox = receiver.inbox()
    for number in range(300):
        await inbox.put(event("deployment", number, "web"))
    working = asyncio.create_task(inbox.work(asyncio.sleep))
    await inbox.drain(20)
    working.cancel()
    assert len(await names(receiver)) == 300
    assert inbox.waiting == 0


async def test_drain_counts_what_a_database_that_is_away_never_took(receiver: Receiver) -> None:
    def away(_: SensorEvent) -> None:
        raise Unavailable("the database is away")

    inbox = receiver.inbox(fragments=[Failing(away)])
    for number in range(250):
        await inbox.put(event("node", number))
    working = asyncio.create_task(inbox.work(asyncio.sleep))
    await inbox.drain(0.1)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert receiver.counted("rox_central_sensor_events_lost") == 250


async def test_platform_mark_and_risk_survive_the_sensors_next_word(receiver: Receiver) -> None:
    first = event("deployment", 1, "dns", hash_=1)
    first.deployment.namespace = "openshift-dns"
    inbox = await receiver.receive(first)
    (stored,) = await receiver.deployments.find(scope=EVERYTHING)
    assert stored.platform_component
    stored.risk_score, stored.priority = 4.5, 3
    await receiver.deployments.upsert(stored)
    second = event("deployment", 1, "dns", hash_=2)
    second.deployment.namespace, second.deployment.platform_component = "shop", True
    await receiver.receive(second, inbox=inbox)
    (stored,) = await receiver.deployments.find(scope=EVERYTHING)
    assert (stored.risk_score, stored.priority, stored.platform_component) == (4.5, 3, False)


async def test_dedupe_state_over_the_limit_is_sent_as_empty(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await receiver.receive(event("deployment", 1, "a", hash_=1), event("deployment", 2, "b", hash_=2))
    monkeypatch.setattr("services.central.link.hashes.MAX_HASHES", 1)
    assert await receiver.hashes.load(HERE) == {}
    monkeypatch.setattr("services.central.link.hashes.MAX_HASHES", 2)
    assert len(await receiver.hashes.load(HERE)) == 2
