"""What Central is offered after a greeting, in which order, and what it has already."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.deployment_enhancement_pb2 import DeploymentEnhancementRequest
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.deployment_pb2 import Deployment, Pod
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from pyrox.pb.storage.node_pb2 import Node
from services.sensor.link.events import Events, Origin, hash_of
from services.sensor.link.outbox import Outbox
from services.sensor.store.enhance import Enhancement
from services.sensor.store.messages import Entry, Messages
from services.sensor.store.publish import Publisher
from services.sensor.store.replay import Replay
from services.sensor.store.resolver import Resolver
from tests.support.pki import FixedClock

ORIGIN = Origin("Kind", "Resource")
SYNC, CREATE = ResourceAction.SYNC_RESOURCE, ResourceAction.CREATE_RESOURCE


class Bench:
    """A replay over a store that a test fills."""

    def __init__(self) -> None:
        self.outbox = Outbox(limit=1000, kept_limit=10, metrics=Metrics("sensor"))
        self.outbox.go_live()
        self.events = Events(outbox=self.outbox, clock=FixedClock())
        self.messages = Messages()
        self.publisher = Publisher(messages=self.messages, events=self.events)
        self.told: list[str] = []
        self.replay = Replay(
            messages=self.messages,
            publisher=self.publisher,
            events=self.events,
            outbox=self.outbox,
            settled=self.settled,
            detect=(lambda key: self.told.append(f"detect {key}"), lambda: self.told.append("release")),
        )

    async def settled(self) -> None:
        self.told.append("settled")

    def put(self, arm: str, message: Any) -> None:
        self.messages.put(arm, message.id, Entry(message, ORIGIN), SYNC)

    async def sent(self) -> list[SensorEvent]:
        return [(await self.outbox.take()).event for _ in range(len(self.outbox))]


def fill(bench: Bench) -> None:
    bench.put("pod", Pod(id="p", name="web-1"))
    bench.put("deployment", Deployment(id="d", name="web"))
    bench.put("deployment", Deployment(id="e", name="db"))
    bench.put("node", Node(id="o", name="node"))
    bench.put("namespace", NamespaceMetadata(id="n", name="shop"))


async def test_replay_offers_kinds_in_order_and_ends_with_synced() -> None:
    bench = Bench()
    fill(bench)
    bench.publisher.synced.set()
    await bench.replay.run()
    sent = await bench.sent()
    assert [(event.WhichOneof("resource"), event.id) for event in sent] == [
        ("namespace", "n"), ("node", "o"), ("deployment", "d"), ("deployment", "e"), ("pod", "p"),
        ("synced", ""),
    ]  # fmt: skip
    assert {event.action for event in sent[:-1]} == {SYNC}
    assert bench.told == ["settled", "detect d", "detect e", "release"]


async def test_replay_leaves_out_what_central_has_and_lists_it() -> None:
    bench = Bench()
    fill(bench)
    known = Deployment(id="d", name="web")
    bench.events.reset({"Deployment:d": hash_of(known), "Node:o": 5, "Deployment:gone": 7})
    bench.publisher.synced.set()
    await bench.replay.run()
    sent = await bench.sent()
    assert "d" not in [event.id for event in sent]
    assert list(sent[-1].synced.unchanged_ids) == ["Deployment:d"]
    # Its alerts are asked for all the same.
    assert "detect d" in bench.told


async def test_replay_waits_until_the_cluster_is_known() -> None:
    bench = Bench()
    task = asyncio.create_task(bench.replay.run())
    for _ in range(5):
        await asyncio.sleep(0)
    assert (bench.told, len(bench.outbox)) == ([], 0)
    fill(bench)
    bench.publisher.synced.set()
    await task
    assert len(bench.outbox) == 6


async def test_replay_of_nothing_still_says_that_it_was_all() -> None:
    bench = Bench()
    bench.publisher.synced.set()
    await bench.replay.run()
    (event,) = await bench.sent()
    assert event.WhichOneof("resource") == "synced"
    assert bench.told == ["settled", "release"]


async def test_changes_reach_central_from_the_replay_on() -> None:
    bench = Bench()
    bench.publisher.synced.set()
    bench.publisher.upsert("node", "o", Node(id="o"), ORIGIN)
    assert len(bench.outbox) == 0
    await bench.replay.run()
    await bench.sent()
    assert bench.publisher.upsert("node", "x", Node(id="x"), ORIGIN) == CREATE
    assert (
        bench.publisher.upsert("node", "x", Node(id="x", name="y"), ORIGIN) == ResourceAction.UPDATE_RESOURCE
    )
    bench.publisher.close()
    bench.publisher.upsert("node", "z", Node(id="z"), ORIGIN)
    assert [(event.id, event.action) for event in await bench.sent()] == [
        ("x", CREATE), ("x", ResourceAction.UPDATE_RESOURCE),
    ]  # fmt: skip


async def test_removed_pod_is_told_by_its_names_only() -> None:
    bench = Bench()
    bench.publisher.open()
    pod = Pod(id="p", name="web-1", namespace="shop", deployment_id="d", cluster_id="c")
    bench.publisher.upsert("pod", "p", pod, ORIGIN)
    await bench.sent()
    entry = bench.publisher.remove("pod", "p")
    assert entry is not None
    assert entry.message == pod
    (event,) = await bench.sent()
    assert event.action == ResourceAction.REMOVE_RESOURCE
    assert event.pod == Pod(id="p", name="web-1", namespace="shop", deployment_id="d")
    assert bench.publisher.remove("pod", "p") is None
    assert len(bench.outbox) == 0


async def test_enhancement_answers_with_the_same_id_and_leaves_the_question_alone() -> None:
    bench = Bench()

    class Enhancer:
        def enhance(self, deployment: Deployment) -> None:
            deployment.service_account = f"of {deployment.name}"

    question = MsgToSensor(deployment_enhancement_request=DeploymentEnhancementRequest())
    question.deployment_enhancement_request.msg.id = "q-1"
    for name in ("web", "db"):
        question.deployment_enhancement_request.msg.deployments.add(name=name)
    Enhancement(resolver=cast("Resolver", Enhancer()), outbox=bench.outbox).on_request(question)
    answer = (await bench.outbox.take()).deployment_enhancement_response.msg
    assert answer.id == "q-1"
    assert [d.service_account for d in answer.deployments] == ["of web", "of db"]
    assert not question.deployment_enhancement_request.msg.deployments[0].service_account
