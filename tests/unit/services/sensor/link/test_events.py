"""Keys, hashes and the dedupe state of events."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import AlertResults, ResourceAction, SensorEvent
from pyrox.pb.storage.alert_pb2 import Alert, ViolationState
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.node_pb2 import Node
from pyrox.pb.storage.policy_pb2 import LifecycleStage
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from services.sensor.link.events import Events, Origin, hash_of, key_of, kind_of
from services.sensor.link.outbox import Outbox
from tests.support.pki import FixedClock


def outbox(*, live: bool = True) -> Outbox:
    made = Outbox(limit=100, kept_limit=10, metrics=Metrics("sensor"))
    made.live = live
    return made


def deployment(
    name: str = "a", action: ResourceAction.ValueType = ResourceAction.SYNC_RESOURCE
) -> SensorEvent:
    return SensorEvent(id="1", action=action, deployment=Deployment(id="1", name=name))


KINDS = {
    "service_account": "ServiceAccount",
    "network_policy": "NetworkPolicy",
    "alert_results": "AlertResults",
    "binding": "Binding",
}


@pytest.mark.parametrize("arm", KINDS)
def test_kind_of_arm_is_upstreams_name(arm: str) -> None:
    event = SensorEvent(id="x")
    getattr(event, arm).SetInParent()
    assert kind_of(event) == KINDS[arm]
    assert key_of(event) == f"{KINDS[arm]}:x"


def test_hash_of_map_order_does_not_matter() -> None:
    one, two = Deployment(), Deployment()
    for number in range(50):
        one.labels[str(number)] = "v"
        two.labels[str(49 - number)] = "v"
    assert hash_of(one) == hash_of(two) != hash_of(Deployment())


IGNORED = {
    "deployment time": (
        Deployment(name="a", state_timestamp=1, hash=5),
        Deployment(name="a", state_timestamp=2),
    ),
    "node time": (
        Node(name="n", k8s_updated=Timestamp(seconds=1)),
        Node(name="n", k8s_updated=Timestamp(seconds=2)),
    ),
    "alert id and time": (
        AlertResults(alerts=[Alert(id="1", time=Timestamp(seconds=1))]),
        AlertResults(alerts=[Alert(id="2", time=Timestamp(seconds=2))]),
    ),
}


@pytest.mark.parametrize("case", IGNORED)
def test_hash_of_fields_that_change_by_themselves_are_ignored(case: str) -> None:
    one, two = IGNORED[case]
    assert hash_of(one) == hash_of(two)


def test_emit_equal_event_is_sent_once() -> None:
    box = outbox()
    events = Events(outbox=box, clock=FixedClock())
    assert events.emit(deployment())
    assert not events.emit(deployment(action=ResourceAction.UPDATE_RESOURCE))
    assert events.emit(deployment("b"))
    assert len(box) == 2


async def test_emit_sets_hash_and_timing() -> None:
    box = outbox()
    Events(outbox=box, clock=FixedClock()).emit(deployment(), Origin("Pod", "Deployment"))
    sent = (await box.take()).event
    assert sent.sensor_hash == hash_of(Deployment(id="1", name="a"))
    assert (sent.timing.dispatcher, sent.timing.resource) == ("v1.Pod", "Deployment")
    assert sent.timing.nanos == 1_795_510_800_000_000_000


def test_emit_what_central_knows_is_not_sent() -> None:
    events = Events(outbox=outbox(), clock=FixedClock())
    events.reset({"Deployment:1": hash_of(Deployment(id="1", name="a"))})
    assert not events.emit(deployment())
    assert events.emit(deployment("changed"))


async def test_emit_remove_carries_no_hash_and_only_once() -> None:
    box = outbox()
    events = Events(outbox=box, clock=FixedClock())
    assert not events.emit(deployment(action=ResourceAction.REMOVE_RESOURCE))
    events.reset({"Deployment:1": 5})
    assert events.emit(deployment(action=ResourceAction.REMOVE_RESOURCE))
    assert not (await box.take()).event.HasField("sensor_hash")
    assert events.emit(deployment())


def test_emit_offline_keeps_only_what_happens_once() -> None:
    box = outbox(live=False)
    events = Events(outbox=box, clock=FixedClock())
    assert not events.emit(deployment())
    assert events.emit(SensorEvent(id="p", process_indicator=ProcessIndicator(id="p")))
    runtime = AlertResults(deployment_id="1", stage=LifecycleStage.RUNTIME)
    assert events.emit(SensorEvent(id="1", alert_results=runtime))
    attempted = AlertResults(alerts=[Alert(id="x")])
    assert events.emit(SensorEvent(alert_results=attempted))
    assert not events.emit(SensorEvent(id="1", alert_results=AlertResults(deployment_id="1")))
    assert len(box) == 3


def test_emit_runtime_alerts_are_never_deduped() -> None:
    box = outbox()
    events = Events(outbox=box, clock=FixedClock())
    for _ in range(2):
        results = AlertResults(deployment_id="1", stage=LifecycleStage.RUNTIME)
        assert events.emit(SensorEvent(id="1", alert_results=results))
    assert len(box) == 2


def test_emit_attempt_on_a_known_deployment_leaves_the_list_of_its_alerts_alone() -> None:
    box = outbox()
    events = Events(outbox=box, clock=FixedClock())
    listed = AlertResults(deployment_id="1", alerts=[Alert(id="a", policy={"id": "p"})])
    refused = AlertResults(deployment_id="1", alerts=[Alert(id="b", state=ViolationState.ATTEMPTED)])
    assert events.emit(SensorEvent(id="1", alert_results=listed))
    for _ in range(2):
        assert events.emit(SensorEvent(id="1", alert_results=refused))
    assert not events.emit(SensorEvent(id="1", alert_results=listed))
    box.go_offline()
    assert events.emit(SensorEvent(id="1", alert_results=refused))
