"""From Kubernetes objects to what Central is told: appearances, ends, and what follows from them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import permutations
from typing import Any, cast

import pytest

from pyrox.k8s import kinds
from pyrox.k8s.client import KubeClient
from pyrox.k8s.kinds import Kind
from pyrox.k8s.watch import Change
from pyrox.metrics import Metrics
from pyrox.pb.storage.rbac_pb2 import K8sRoleBinding
from services.sensor.link.events import Events
from services.sensor.link.outbox import Outbox
from services.sensor.network.places import Places
from services.sensor.store.entities import Entities
from services.sensor.store.messages import Messages
from services.sensor.store.publish import Publisher
from services.sensor.store.rbac import Rbac
from services.sensor.store.resolver import Resolver
from services.sensor.store.workloads import Workloads
from services.sensor.watch import cluster as module
from services.sensor.watch.cluster import STAGES, ClusterWatch, all_sinks
from services.sensor.watch.handlers import Desk
from services.sensor.watch.pods import publish_all
from tests.support.pki import FixedClock
from tests.support.sensor import pod, replica_set, workload


class Bench:
    """All handlers on a store."""

    def __init__(self) -> None:
        self.outbox = Outbox(limit=1000, kept_limit=10, metrics=Metrics("sensor"))
        clock = FixedClock()
        self.messages = Messages()
        self.publisher = Publisher(messages=self.messages, events=Events(outbox=self.outbox, clock=clock))
        workloads, rbac = Workloads(), Rbac()
        self.cluster_id = "cluster"
        self.resolver = Resolver(
            workloads=workloads, rbac=rbac, messages=self.messages, publisher=self.publisher, clock=clock,
            cluster_id=lambda: self.cluster_id,
        )  # fmt: skip
        self.desk = Desk(
            messages=self.messages, publisher=self.publisher, resolver=self.resolver, workloads=workloads,
            rbac=rbac, entities=Entities(), places=Places(), clock=clock, cluster_id=lambda: self.cluster_id,
        )  # fmt: skip
        self.sinks = all_sinks(self.desk)

    async def tell(self, kind: Kind, value: dict[str, Any], change: Change = Change.ADDED) -> None:
        value = {**value, "kind": kind.name, "apiVersion": kind.api_version}
        await self.sinks[kind](change, value)

    def keys(self, arm: str) -> list[str]:
        return sorted(self.messages.entries(arm))


def named(name: str, namespace: str = "", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "uid": f"uid-{name}", **({"namespace": namespace} if namespace else {})}
    return {"metadata": metadata, **more}


PLAIN = [
    (kinds.NAMESPACE, "namespace", named("shop")),
    (kinds.NODE, "node", named("n1")),
    (kinds.SECRET, "secret", named("s", "shop", type="Opaque", data={"password": "c2VjcmV0"})),
    (kinds.SERVICE_ACCOUNT, "service_account", named("sa", "shop")),
    (kinds.ROLE, "role", named("r", "shop", rules=[])),
    (kinds.CLUSTER_ROLE, "role", named("cr", rules=[])),
    (kinds.NETWORK_POLICY, "network_policy", named("np", "shop", spec={})),
    (
        kinds.ROLE_BINDING, "binding",
        named("rb", "shop", roleRef={"kind": "Role", "name": "r"}, subjects=[]),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "arm", "value"), PLAIN, ids=lambda value: getattr(value, "name", ""))
async def test_object_is_one_message_from_its_appearance_to_its_end(
    kind: Kind, arm: str, value: dict[str, Any]
) -> None:
    bench = Bench()
    key = value["metadata"]["uid"]
    await bench.tell(kind, value)
    assert bench.keys(arm) == [key]
    await bench.tell(kind, value, Change.MODIFIED)
    assert bench.keys(arm) == [key]
    await bench.tell(kind, value, Change.DELETED)
    assert bench.keys(arm) == []
    # An end that comes twice, as after a new list, changes nothing.
    await bench.tell(kind, value, Change.DELETED)
    assert bench.keys(arm) == []


async def test_content_of_a_secret_goes_nowhere() -> None:
    bench = Bench()
    await bench.tell(kinds.SECRET, PLAIN[2][2])
    entry = bench.messages.get("secret", "uid-s")
    assert entry is not None
    raw = entry.message.SerializeToString()
    assert b"c2VjcmV0" not in raw
    assert b"secret" not in raw.lower()


async def test_binding_follows_its_role_whenever_that_comes_or_goes() -> None:
    bench = Bench()
    binding = named("rb", "shop", roleRef={"kind": "Role", "name": "r"}, subjects=[])

    def role_id() -> str:
        entry = bench.messages.get("binding", "uid-rb")
        assert entry is not None
        return cast("K8sRoleBinding", entry.message).role_id

    await bench.tell(kinds.ROLE_BINDING, binding)
    assert role_id() == ""
    await bench.tell(kinds.ROLE, named("r", "shop", rules=[]))
    assert role_id() == "uid-r"
    other = named("r", "other", rules=[])
    other["metadata"]["uid"] = "uid-other"
    await bench.tell(kinds.ROLE, other)
    assert role_id() == "uid-r"
    await bench.tell(kinds.ROLE, named("r", "shop", rules=[]), Change.DELETED)
    assert role_id() == ""


FAMILY = {
    kinds.DEPLOYMENT: workload("web"),
    kinds.REPLICA_SET: replica_set("rs", "web"),
    kinds.POD: pod("web-1", "rs"),
}


@pytest.mark.parametrize(
    "order", list(permutations(FAMILY)), ids=lambda order: "-".join(k.name for k in order)
)
async def test_pod_is_told_once_its_deployment_is_known_in_whatever_order_they_come(
    order: tuple[Kind, ...],
) -> None:
    bench = Bench()
    for kind in order:
        assert bench.keys("pod") == []
        await bench.tell(kind, FAMILY[kind])
    (key,) = bench.keys("pod")
    (told,) = bench.messages.pods()
    assert told.deployment_id == "uid-web"
    await bench.tell(kinds.POD, FAMILY[kinds.POD], Change.DELETED)
    assert (bench.keys("pod"), bench.desk.workloads.pod(key)) == ([], None)


async def test_pod_that_came_before_the_workload_that_owns_it_itself_is_told() -> None:
    bench = Bench()
    await bench.tell(kinds.POD, pod("agent-1", "agent", owner_kind="DaemonSet"))
    assert bench.keys("pod") == []
    await bench.tell(kinds.DAEMON_SET, workload("agent", kind="DaemonSet"))
    assert bench.keys("pod") == ["uid-agent-1"]


async def test_pods_are_told_again_under_another_cluster_id() -> None:
    bench = Bench()
    for kind, value in (
        (kinds.DEPLOYMENT, workload("web")),
        (kinds.REPLICA_SET, replica_set("rs", "web")),
        (kinds.POD, pod("web-1", "rs")),
    ):
        await bench.tell(kind, value)
    bench.cluster_id = "another"
    publish_all(bench.desk)
    assert [message.cluster_id for message in bench.messages.pods()] == ["another"]


async def test_every_kind_of_every_stage_has_a_handler() -> None:
    assert {kind for stage in STAGES for kind in stage} == set(Bench().sinks)


async def test_stage_starts_when_the_one_before_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    listed: dict[str, Callable[[], None]] = {}

    class Following:
        """A reflector that a test lets list."""

        def __init__(self, *, kind: Kind, **_: object) -> None:
            self.name = kind.name

        async def run(self, ready: Callable[[], None]) -> None:
            started.append(self.name)
            listed[self.name] = ready
            await asyncio.Event().wait()

    async def turns() -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    monkeypatch.setattr(module, "Reflector", Following)
    bench = Bench()
    watch = ClusterWatch(
        client=cast("KubeClient", None), sinks=bench.sinks, resolver=bench.resolver,
        publisher=bench.publisher, surroundings=(FixedClock(), lambda: 0.5),
        stages=((kinds.NAMESPACE, kinds.SECRET), (kinds.POD,)),
    )  # fmt: skip
    ready = asyncio.Event()
    task = asyncio.create_task(watch.run(ready.set))
    await turns()
    assert ready.is_set()
    assert sorted(started) == ["Namespace", "Secret"]
    listed["Namespace"]()
    await turns()
    assert "Pod" not in started
    listed["Secret"]()
    await turns()
    assert started[-1] == "Pod"
    assert not bench.publisher.synced.is_set()
    listed["Pod"]()
    await asyncio.wait_for(bench.publisher.synced.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
