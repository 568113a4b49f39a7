"""Deployments rebuilt when what they depend on changes, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pyrox.k8s.watch import Change
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.storage.deployment_pb2 import Deployment, PortConfig
from pyrox.pb.storage.rbac_pb2 import PermissionLevel
from services.sensor.link.events import Events
from services.sensor.link.outbox import Outbox
from services.sensor.network.places import Places
from services.sensor.store.entities import Entities
from services.sensor.store.messages import Messages
from services.sensor.store.publish import Publisher
from services.sensor.store.rbac import Rbac
from services.sensor.store.resolver import Resolver
from services.sensor.store.workloads import Workloads
from services.sensor.watch.cluster import STAGES, all_sinks
from services.sensor.watch.handlers import Desk
from tests.support.pki import FixedClock
from tests.support.sensor import pod, replica_set, workload


class Bench:
    """All handlers on a store, without an API server."""

    def __init__(self) -> None:
        self.outbox = Outbox(limit=1000, kept_limit=10, metrics=Metrics("sensor"))
        self.outbox.go_live()
        clock = FixedClock()
        self.messages = Messages()
        self.publisher = Publisher(messages=self.messages, events=Events(outbox=self.outbox, clock=clock))
        workloads, rbac = Workloads(), Rbac()
        self.resolver = Resolver(
            workloads=workloads,
            rbac=rbac,
            messages=self.messages,
            publisher=self.publisher,
            clock=clock,
            cluster_id=lambda: "cluster",
        )
        self.changes: list[tuple[str, int]] = []
        self.resolver.listen(lambda key, action: self.changes.append((key, action)))
        self.sinks = all_sinks(
            Desk(
                messages=self.messages,
                publisher=self.publisher,
                resolver=self.resolver,
                workloads=workloads,
                rbac=rbac,
                entities=Entities(),
                places=Places(),
                clock=clock,
                cluster_id=lambda: "cluster",
            )
        )

    async def tell(self, name: str, value: dict[str, Any], change: Change = Change.ADDED) -> None:
        """Hand an object to its handler and wait until all is rebuilt."""
        kind = next(kind for kind in self.sinks if kind.name == name)
        value["kind"], value["apiVersion"] = kind.name, kind.api_version
        await self.sinks[kind](change, value)
        await self.resolver.settled()

    def deployment(self, key: str = "uid-web") -> Deployment:
        found = self.messages.deployment(key)
        assert found is not None
        return found

    async def sent(self) -> list[tuple[str, str, int]]:
        """Arm, id and action of everything that went to Central since the last call."""
        events = [(await self.outbox.take()).event for _ in range(len(self.outbox))]
        return [(event.WhichOneof("resource") or "", event.id, event.action) for event in events]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    ready = asyncio.Event()
    task = asyncio.create_task(made.resolver.run(ready.set))
    await ready.wait()
    made.resolver.begin()
    await made.tell("Namespace", {"metadata": {"name": "shop", "uid": "ns"}})
    await made.tell("Deployment", workload("web", ports=[{"containerPort": 80}]))
    made.publisher.synced.set()
    made.publisher.open()
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_every_watched_kind_has_a_handler_and_a_stage() -> None:
    assert {kind for stage in STAGES for kind in stage} == set(Bench().sinks)


async def test_deployment_same_object_again_says_nothing(bench: Bench) -> None:
    await bench.tell("Deployment", workload("web", ports=[{"containerPort": 80}]), Change.MODIFIED)
    assert await bench.sent() == []
    assert bench.deployment().namespace_id == "ns"


async def test_service_exposes_and_stops_exposing(bench: Bench) -> None:
    service = {
        "metadata": {"name": "svc", "namespace": "shop", "uid": "svc"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    await bench.tell("Service", service)
    assert bench.deployment().ports[0].exposure == PortConfig.EXTERNAL
    assert await bench.sent() == [("deployment", "uid-web", ResourceAction.UPDATE_RESOURCE)]
    await bench.tell("Service", {"metadata": service["metadata"]}, Change.DELETED)
    assert bench.deployment().ports[0].exposure == PortConfig.UNSET


async def test_binding_raises_the_permission_level(bench: Bench) -> None:
    role = {
        "metadata": {"name": "admin", "uid": "r"},
        "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
    }
    binding = {
        "metadata": {"name": "b", "uid": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "shop"}],
    }
    await bench.tell("ClusterRoleBinding", binding)
    assert bench.deployment().service_account_permission_level == PermissionLevel.NONE
    await bench.tell("ClusterRole", role)
    assert bench.deployment().service_account_permission_level == PermissionLevel.CLUSTER_ADMIN
    assert ("binding", "b", ResourceAction.UPDATE_RESOURCE) in await bench.sent()
    await bench.tell("ClusterRoleBinding", binding, Change.DELETED)
    assert bench.deployment().service_account_permission_level == PermissionLevel.NONE
    await bench.tell("ClusterRole", role, Change.DELETED)
    assert ("role", "r", ResourceAction.REMOVE_RESOURCE) in await bench.sent()


async def test_pod_brings_the_digest_and_a_message(bench: Bench) -> None:
    await bench.tell("Pod", pod("web-1", "web-rs"))
    assert await bench.sent() == []
    await bench.tell("ReplicaSet", replica_set("web-rs", "web"))
    assert bench.deployment().containers[0].image.id == "sha256:" + "d" * 64
    sent = await bench.sent()
    assert ("pod", "uid-web-1", ResourceAction.CREATE_RESOURCE) in sent
    assert ("deployment", "uid-web", ResourceAction.UPDATE_RESOURCE) in sent
    await bench.tell("Pod", pod("web-1", "web-rs"), Change.DELETED)
    # Without a pod nobody knows any more which digest the tag stands for.
    assert await bench.sent() == [
        ("pod", "uid-web-1", ResourceAction.REMOVE_RESOURCE),
        ("deployment", "uid-web", ResourceAction.UPDATE_RESOURCE),
    ]
    assert not bench.deployment().containers[0].image.id


async def test_standalone_pod_that_finished_is_removed(bench: Bench) -> None:
    alone = pod("job", "none")
    alone["metadata"]["ownerReferences"] = []
    await bench.tell("Pod", alone)
    assert bench.deployment("uid-job").type == "Pod"
    done = pod("job", "none")
    done["metadata"]["ownerReferences"] = []
    done["status"]["phase"] = "Succeeded"
    await bench.tell("Pod", done, Change.MODIFIED)
    assert bench.messages.deployment("uid-job") is None
    assert bench.changes[-1] == ("uid-job", ResourceAction.REMOVE_RESOURCE)


async def test_network_policy_has_its_deployments_judged_again(bench: Bench) -> None:
    bench.changes.clear()
    policy = {
        "metadata": {"name": "n", "namespace": "shop", "uid": "n"},
        "spec": {"podSelector": {"matchLabels": {"app": "web"}}},
    }
    await bench.tell("NetworkPolicy", policy)
    assert bench.changes == [("uid-web", ResourceAction.UPDATE_RESOURCE)]


async def test_registry_override_rebuilds_everything(bench: Bench) -> None:
    bench.resolver.registry_override = "mirror:5000"
    bench.resolver.mark_all()
    await bench.resolver.settled()
    assert bench.deployment().containers[0].image.name.full_name == "mirror:5000/library/nginx:1.25"


async def test_enhance_adds_what_this_cluster_knows(bench: Bench) -> None:
    made = Deployment(namespace="shop", service_account="default")
    bench.resolver.enhance(made)
    assert (made.cluster_id, made.namespace_id, made.service_account_permission_level) == (
        "cluster",
        "ns",
        PermissionLevel.NONE,
    )


async def test_closed_publisher_stores_and_says_nothing(bench: Bench) -> None:
    bench.publisher.close()
    await bench.tell("Deployment", workload("more"))
    assert bench.messages.deployment("uid-more") is not None
    assert await bench.sent() == []
