"""When deployments are judged, and what becomes of the verdicts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import Container, Deployment, SecurityContext
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy, NetworkPolicySpec, NetworkPolicyType
from pyrox.pb.storage.policy_pb2 import Policy, PolicyGroup, PolicySection, PolicyValue
from pyrox.policy.sets import PolicySet
from pyrox.workload.images import parse_image
from services.sensor.detect.deploytime import DeployDetector
from services.sensor.detect.policies import Policies
from services.sensor.link.events import Events, Origin
from services.sensor.link.outbox import Outbox
from services.sensor.store.messages import Entry, Messages
from tests.support.pki import FixedClock
from tests.support.waiting import until
from tests.unit.services.sensor.detect.test_images import Scanner, images

CREATE, UPDATE, SYNC, REMOVE = (
    ResourceAction.CREATE_RESOURCE,
    ResourceAction.UPDATE_RESOURCE,
    ResourceAction.SYNC_RESOURCE,
    ResourceAction.REMOVE_RESOURCE,
)


def policy(field: str, value: str) -> Policy:
    group = PolicyGroup(field_name=field, values=[PolicyValue(value=value)])
    return Policy(
        id=f"p-{field}",
        name=field,
        policy_version="1.1",
        lifecycle_stages=[policy_pb2.DEPLOY],
        policy_sections=[PolicySection(policy_groups=[group])],
    )


def deployment(key: str = "d", **extra: object) -> Deployment:
    container = Container(
        name="main", image=parse_image("quay.io/a/b:1"), security_context=SecurityContext(privileged=True)
    )
    return Deployment(id=key, name=key, namespace="shop", containers=[container], **extra)  # type: ignore[arg-type]


class Bench:
    """A running detector."""

    def __init__(
        self, detector: DeployDetector, messages: Messages, policies: Policies, outbox: Outbox
    ) -> None:
        self.detector = detector
        self.messages = messages
        self.policies = policies
        self.outbox = outbox
        self.enforced: list[str] = []

    def put(self, value: Deployment, action: ResourceAction.ValueType) -> None:
        self.messages.put("deployment", value.id, Entry(value, Origin("Deployment", "Deployment")), action)
        self.detector.on_change(value.id, action)

    async def next(self) -> SensorEvent:
        async with asyncio.timeout(5):
            return (await self.outbox.take()).event


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    outbox = Outbox(limit=100, kept_limit=10, metrics=Metrics("sensor"))
    outbox.go_live()
    clock, messages, policies = FixedClock(), Messages(), Policies()
    async with images(Scanner(), clock) as cache:
        made: Bench

        def enforce(value: Deployment, alerts: Sequence[Alert]) -> None:
            made.enforced.append(value.id)

        detector = DeployDetector(
            policies=policies,
            images=cache,
            messages=messages,
            events=Events(outbox=outbox, clock=clock),
            clock=clock,
            enforce=enforce,
        )
        made = Bench(detector, messages, policies, outbox)
        policies.replace([policy("Privileged Container", "true")])
        running = asyncio.create_task(detector.run(lambda: None))
        yield made
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(("action", "enforced"), [(CREATE, ["d"]), (UPDATE, []), (SYNC, [])])
async def test_change_gives_alerts_and_only_creation_is_enforced(
    bench: Bench, action: ResourceAction.ValueType, enforced: list[str]
) -> None:
    bench.put(deployment(), action)
    event = await bench.next()
    assert (event.id, event.action, len(event.alert_results.alerts)) == ("d", action, 1)
    assert bench.enforced == enforced


async def test_no_policies_yet_nothing_is_said(bench: Bench) -> None:
    bench.policies.replace([])
    bench.put(deployment(), CREATE)
    await asyncio.sleep(0.01)
    assert len(bench.outbox) == 0


async def test_removal_gives_an_empty_list(bench: Bench) -> None:
    bench.put(deployment(), CREATE)
    await bench.next()
    bench.messages.remove("deployment", "d")
    bench.detector.on_change("d", REMOVE)
    event = await bench.next()
    assert (event.action, len(event.alert_results.alerts)) == (REMOVE, 0)


async def test_creation_is_not_forgotten_by_an_update_before_it_was_judged(bench: Bench) -> None:
    bench.detector.hold()
    bench.put(deployment(), CREATE)
    bench.put(deployment(), UPDATE)
    bench.detector.release()
    assert (await bench.next()).action == CREATE
    assert bench.enforced == ["d"]


async def test_hold_keeps_everything_until_released(bench: Bench) -> None:
    bench.detector.hold()
    bench.put(deployment(), UPDATE)
    await asyncio.sleep(0.01)
    assert len(bench.outbox) == 0
    bench.detector.release()
    assert (await bench.next()).id == "d"


async def test_offer_first_time_is_sync_then_update(bench: Bench) -> None:
    bench.detector.hold()
    bench.put(deployment(), SYNC)
    bench.detector.on_offer("d")
    bench.detector.release()
    assert (await bench.next()).action == SYNC
    bench.policies.replace([])
    bench.policies.replace([policy("Privileged Container", "false")])
    bench.detector.on_offer("d")
    assert (await bench.next()).action == UPDATE


async def test_judge_images_finds_the_deployments_that_use_them(bench: Bench) -> None:
    bench.put(deployment("one"), SYNC)
    await bench.next()
    bench.policies.replace([policy("Privileged Container", "true"), policy("Namespace", "shop")])
    bench.detector.judge_images({"quay.io/other"})
    await asyncio.sleep(0.01)
    assert len(bench.outbox) == 0
    bench.detector.judge_images({"quay.io/a/b:1"})
    assert len((await bench.next()).alert_results.alerts) == 2


async def test_network_policies_that_select_the_pods_count(bench: Bench) -> None:
    bench.policies.replace([policy("Has Ingress Network Policy", "false")])
    bench.put(deployment(pod_labels={"app": "x"}), SYNC)
    assert len((await bench.next()).alert_results.alerts) == 1
    made = NetworkPolicy(
        id="n",
        namespace="shop",
        spec=NetworkPolicySpec(policy_types=[NetworkPolicyType.INGRESS_NETWORK_POLICY_TYPE]),
    )
    bench.messages.put("network_policy", "n", Entry(made, Origin("NetworkPolicy", "NetworkPolicy")), CREATE)
    bench.detector.judge(["d"])
    assert len((await bench.next()).alert_results.alerts) == 0


async def test_deployment_that_changes_while_its_images_are_asked_is_judged_in_its_last_state(
    bench: Bench,
) -> None:
    bench.put(deployment(), SYNC)
    await asyncio.sleep(0)
    changed = deployment()
    changed.containers[0].security_context.privileged = False
    bench.put(changed, UPDATE)
    last = await bench.next()
    while len(last.alert_results.alerts):
        last = await bench.next()
    await until(lambda: len(bench.outbox) == 0)


async def test_policy_of_a_cluster_label_looks_at_what_the_installation_says(bench: Bench) -> None:
    scoped = policy("Privileged Container", "true")
    scoped.scope.add().cluster_label.key = "env"
    bench.policies.replace([scoped])
    assert bench.detector.alerts_of(deployment(), [], bench.policies.current) == []
    bench.detector.cluster_labels = {"env": "prod"}
    (alert,) = bench.detector.alerts_of(deployment(), [], bench.policies.current)
    assert alert.policy.name == "Privileged Container"


async def test_changed_policy_is_asked_only_about_what_it_speaks_or_spoke_about(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoped = policy("Privileged Container", "true")
    scoped.scope.add().label.key = "red"
    bench.policies.replace([scoped, policy("Image Tag", "1")])
    labels = {"red": {"red": ""}, "blue": {"blue": ""}, "green": {"green": ""}}
    for name, of in labels.items():
        bench.put(deployment(name, labels=of), SYNC)
    assert {(await bench.next()).id for _ in labels} == set(labels)
    judged: list[str] = []
    judge = bench.detector.alerts_of

    def noted(value: Deployment, images: Sequence[Image], policies: PolicySet) -> list[Alert]:
        judged.append(value.id)
        return judge(value, images, policies)

    monkeypatch.setattr(bench.detector, "alerts_of", noted)
    moved = Policy()
    moved.CopyFrom(scoped)
    moved.scope[0].label.key = "blue"
    bench.policies.replace([moved, policy("Image Tag", "1")])
    bench.detector.judge_policies()
    again = [await bench.next(), await bench.next()]
    assert {event.id: len(event.alert_results.alerts) for event in again} == {"red": 1, "blue": 2}
    bench.policies.replace(bench.policies.received)
    bench.detector.judge_policies()
    bench.detector.judge(["green"])
    await until(lambda: "green" in judged)
    assert sorted(judged) == ["blue", "green", "red"]
