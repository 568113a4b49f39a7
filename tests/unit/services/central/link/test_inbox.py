"""Which events are part of the dedupe state, and under which key."""

from __future__ import annotations

import pytest

from pyrox.pb.internalapi.central.sensor_events_pb2 import SensorEvent
from pyrox.pb.storage.alert_pb2 import ViolationState
from pyrox.pb.storage.policy_pb2 import LifecycleStage
from services.central.link.inbox import NOT_DEDUPED, dedupe_key, is_deduped

KINDS = [field.name for field in SensorEvent.DESCRIPTOR.oneofs_by_name["resource"].fields]
# The kinds that keep their hash in Central (secured-cluster side: deduper keys seen on the wire).
KEYS = {
    "network_policy": "NetworkPolicy",
    "deployment": "Deployment",
    "namespace": "Namespace",
    "secret": "Secret",
    "service_account": "ServiceAccount",
    "role": "Role",
    "binding": "Binding",
    "pod": "Pod",
    "alert_results": "AlertResults",
}


def event(kind: str, id_: str = "i") -> SensorEvent:
    made = SensorEvent(id=id_)
    getattr(made, kind).SetInParent()
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_is_deduped_holds_for_the_kinds_with_a_key(kind: str) -> None:
    assert is_deduped(event(kind)) == (kind in KEYS)


@pytest.mark.parametrize(("kind", "name"), KEYS.items())
def test_dedupe_key_is_camel_case_and_id(kind: str, name: str) -> None:
    assert dedupe_key(event(kind, "1:2")) == f"{name}:1:2"


def test_not_deduped_names_are_kinds() -> None:
    assert set(KINDS) >= NOT_DEDUPED


@pytest.mark.parametrize("made", [SensorEvent(), event("deployment", "")])
def test_is_deduped_needs_an_id(made: SensorEvent) -> None:
    assert not is_deduped(made)


@pytest.mark.parametrize(
    ("stage", "states", "deduped"),
    [
        (LifecycleStage.DEPLOY, (), True),
        (LifecycleStage.DEPLOY, (ViolationState.ACTIVE, ViolationState.ACTIVE), True),
        (LifecycleStage.DEPLOY, (ViolationState.ACTIVE, ViolationState.ATTEMPTED), False),
        (LifecycleStage.DEPLOY, (ViolationState.RESOLVED,), False),
        (LifecycleStage.RUNTIME, (), False),
        (LifecycleStage.BUILD, (), False),
    ],
)
def test_is_deduped_alerts_only_when_they_are_the_full_deploy_list(
    stage: LifecycleStage.ValueType, states: tuple[ViolationState.ValueType, ...], deduped: bool
) -> None:
    made = event("alert_results")
    made.alert_results.stage = stage
    for state in states:
        made.alert_results.alerts.add(state=state)
    assert is_deduped(made) is deduped
