"""Events on their way to Central: keys, hashes, and what was sent before.

Every component hands its `SensorEvent`s to `Events`, which knows whether Central needs
them. It must not know how messages travel.

The hash is ours: 64 bits of BLAKE2b over the message's deterministic bytes without the
fields that change by themselves. Central treats it as opaque.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from pyrox.clock import Clock
from pyrox.pb.internalapi.central.sensor_events_pb2 import AlertResults, ResourceAction, SensorEvent
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor
from pyrox.pb.storage.alert_pb2 import ViolationState
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.node_pb2 import Node
from pyrox.pb.storage.policy_pb2 import LifecycleStage
from services.sensor.link.outbox import Outbox

_NEVER_DEDUPED = frozenset(
    {
        "process_indicator",
        "node_inventory",
        "index_report",
        "virtual_machine",
        "virtual_machine_index_report",
    }
)
# What Central gets even when it was produced while the connection was down.
_KEPT_OFFLINE = frozenset({"process_indicator"})
M = TypeVar("M", bound=Message)


def kind_of(event: SensorEvent) -> str:
    """The resource's name in keys: `service_account` is `ServiceAccount`."""
    arm = event.WhichOneof("resource") or ""
    return "".join(part.capitalize() for part in arm.split("_"))


def key_of(event: SensorEvent) -> str:
    """The key under which both sides remember the event's hash."""
    return f"{kind_of(event)}:{event.id}"


def hash_of(message: Message) -> int:
    """64 bits that are equal for messages that say the same; never 0."""
    digest = hashlib.blake2b(_bare(message).SerializeToString(deterministic=True), digest_size=8).digest()
    return int.from_bytes(digest, "big") or 1


def _bare(message: Message) -> Message:
    """The message without what changes by itself."""
    if isinstance(message, Deployment):
        return _without(message, "hash", "state_timestamp", "risk_score", "priority", "cluster_name")
    if isinstance(message, Node):
        return _without(message, "k8s_updated", "last_updated")
    if isinstance(message, AlertResults):
        bare = _copy(message)
        for alert in bare.alerts:
            for field in ("id", "time", "first_occurred"):
                alert.ClearField(field)
            for violation in alert.violations:
                violation.ClearField("time")
        return bare
    return message


def _copy(message: M) -> M:
    made = type(message)()
    made.CopyFrom(message)
    return made


def _without(message: Message, *fields: str) -> Message:
    bare = _copy(message)
    for field in fields:
        bare.ClearField(field)
    return bare


@dataclass(frozen=True, slots=True)
class Origin:
    """The Kubernetes object that an event is about, for its timing."""

    dispatcher: str
    """Kind of the object, such as `RoleBinding`."""
    resource: str
    """Kind of the message, such as `Binding`."""


class Events:
    """The dedupe state of one Sensor and the way out for events."""

    def __init__(self, *, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._sent: dict[str, int] = {}

    def reset(self, central_knows: Mapping[str, int]) -> None:
        """Start a connection: `central_knows` is its dedupe state, empty when there is none."""
        self._sent = dict(central_knows)

    def emit(self, event: SensorEvent, origin: Origin | None = None) -> bool:
        """Queue the event unless Central has it; whether it was queued.

        The caller hands the event over. While there is no connection only what cannot
        be made again is kept.
        """
        if not self._outbox.live and not _irreplaceable(event):
            return False
        if origin is not None:
            event.timing.dispatcher = f"v1.{origin.dispatcher}"
            event.timing.resource = origin.resource
            event.timing.nanos = int(self._clock.now().timestamp() * 1_000_000) * 1000
        if _deduped(event) and not self._new(event):
            return False
        self._outbox.put(MsgFromSensor(event=event), keep=_irreplaceable(event))
        return True

    def _new(self, event: SensorEvent) -> bool:
        """Remember the event; whether it says anything new. Sets its hash."""
        key = key_of(event)
        if event.action == ResourceAction.REMOVE_RESOURCE:
            known = self._sent.pop(key, None) is not None
            # Alerts of a deployment go with it, whoever of the two is told first.
            return known or event.WhichOneof("resource") == "alert_results"
        number = hash_of(getattr(event, event.WhichOneof("resource") or ""))
        event.sensor_hash = number
        if self._sent.get(key) == number:
            return False
        self._sent[key] = number
        return True


def _deduped(event: SensorEvent) -> bool:
    arm = event.WhichOneof("resource")
    if arm in _NEVER_DEDUPED:
        return False
    if arm != "alert_results":
        return True
    # The list of a deployment and an attempt on it would overwrite each other's hash.
    return event.alert_results.stage != LifecycleStage.RUNTIME and not (event.id and _attempted(event))


def _attempted(event: SensorEvent) -> bool:
    """Whether the alerts are about a request that Admission refused."""
    alerts = event.alert_results.alerts
    return not event.alert_results.deployment_id or any(
        one.state == ViolationState.ATTEMPTED for one in alerts
    )


def _irreplaceable(event: SensorEvent) -> bool:
    """Runtime events, and attempts that Admission refused, happen once."""
    arm = event.WhichOneof("resource")
    if arm == "alert_results":
        return event.alert_results.stage == LifecycleStage.RUNTIME or _attempted(event)
    return arm in _KEPT_OFFLINE
