"""What becomes of alerts when a new set of them arrives: a pure decision.

`lifecycle.py` loads the previous alerts, asks `decide`, and stores the outcome. Rules
and the limit are upstream's (`central/detection/alertmanager`). It must not know the
database, the clock or Sensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pyrox.pb.storage.alert_pb2 import Alert, ViolationState
from pyrox.pb.storage.policy_pb2 import LifecycleStage
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.policy.alerts import MAX_RUNTIME_VIOLATIONS

ProcessMessage = Callable[[Sequence[ProcessIndicator]], str]
"""The sentence of a process violation, made anew when its processes change."""


class World(Protocol):
    """What the decision needs to know beyond the two sets of alerts."""

    def policy_active(self, policy_id: str) -> bool:
        """Whether the policy exists and is enabled."""

    def no_longer_applies(self, alert: Alert) -> bool:
        """Whether a changed policy's scope or exclusions now leave the alert's subject out."""

    def subject_gone(self, alert: Alert) -> bool:
        """Whether the alert's deployment is being removed or is unknown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Alerts to store, by reason; `unchanged` are those that need no write."""

    new: list[Alert] = field(default_factory=list)
    updated: list[Alert] = field(default_factory=list)
    resolved: list[Alert] = field(default_factory=list)
    unchanged: int = 0

    @property
    def changed(self) -> list[Alert]:
        """All alerts to store."""
        return [*self.new, *self.updated, *self.resolved]


def decide(
    previous: Sequence[Alert], incoming: Sequence[Alert], world: World, process_message: ProcessMessage
) -> Outcome:
    """Merge the incoming alerts into the previous ones.

    `previous` are the ACTIVE and ATTEMPTED alerts that the incoming set speaks for. No
    argument is changed. Resolved alerts carry state RESOLVED; the caller sets the time.
    """
    outcome = Outcome()
    met: set[str] = set()
    kept = 0
    for alert in incoming:
        if not world.policy_active(alert.policy.id):
            continue
        old = _counterpart(previous, alert)
        if old is None:
            outcome.new.append(_first(alert, world))
            continue
        met.add(old.id)
        merged = merge_pair(old, alert, process_message)
        _mark_gone(merged, world)
        if merged == old:
            kept += 1
        else:
            outcome.updated.append(merged)
    attempted = any(alert.state == ViolationState.ATTEMPTED for alert in incoming)
    for old in previous:
        if old.id not in met:
            kept += _without_counterpart(old, outcome, world, keep=attempted)
    return Outcome(outcome.new, outcome.updated, outcome.resolved, kept)


def _first(alert: Alert, world: World) -> Alert:
    made = Alert()
    made.CopyFrom(alert)
    if not made.HasField("first_occurred"):
        made.first_occurred.CopyFrom(made.time)
    _mark_gone(made, world)
    return made


def _without_counterpart(old: Alert, outcome: Outcome, world: World, *, keep: bool) -> int:
    """Resolve, mark or keep one previous alert; 1 when it needs no write."""
    after = Alert()
    after.CopyFrom(old)
    if not keep and _ends(old, world):
        after.state = ViolationState.RESOLVED
        outcome.resolved.append(after)
        return 0
    _mark_gone(after, world)
    if after == old:
        return 1
    outcome.updated.append(after)
    return 0


def _ends(old: Alert, world: World) -> bool:
    if old.state == ViolationState.ATTEMPTED:
        return False
    if old.lifecycle_stage == LifecycleStage.DEPLOY:
        return True
    return not world.policy_active(old.policy.id) or world.no_longer_applies(old)


def outlives(alert: Alert) -> bool:
    """Whether the alert stays when its deployment goes."""
    return alert.lifecycle_stage == LifecycleStage.RUNTIME or alert.state == ViolationState.ATTEMPTED


def _mark_gone(alert: Alert, world: World) -> None:
    """A runtime or attempted alert outlives its deployment, marked inactive."""
    if outlives(alert) and alert.HasField("deployment") and world.subject_gone(alert):
        alert.deployment.inactive = True


def subject_key(alert: Alert) -> tuple[str, ...]:
    """What an alert is about, so that two alerts of one policy can be told to be the same."""
    match alert.WhichOneof("Entity"):
        case "deployment":
            return ("deployment", alert.deployment.id)
        case "resource":
            found = alert.resource
            kind = str(int(found.resource_type))
            return ("resource", kind, found.name, found.cluster_id, found.namespace)
        case "node":
            return ("node", alert.node.id, alert.node.name, alert.node.cluster_id)
    return ("image", alert.image.id)


def _counterpart(previous: Sequence[Alert], alert: Alert) -> Alert | None:
    attempted_deploy = (
        alert.state == ViolationState.ATTEMPTED and alert.lifecycle_stage == LifecycleStage.DEPLOY
    )
    if attempted_deploy:
        return None
    for old in previous:
        same = old.policy.id == alert.policy.id and old.state == alert.state
        if same and subject_key(old) == subject_key(alert):
            return old
    return None


def merge_pair(old: Alert, new: Alert, process_message: ProcessMessage) -> Alert:
    """One alert out of two about the same thing; equal to `old` when nothing is new."""
    merged = Alert()
    if new.lifecycle_stage == LifecycleStage.RUNTIME:
        return _merge_runtime(old, new, process_message)
    merged.CopyFrom(new)
    merged.id = old.id
    merged.first_occurred.CopyFrom(old.first_occurred)
    # Only a new deployment is acted on: what was not done then is not done by a later look.
    merged.ClearField("enforcement")
    if old.HasField("enforcement"):
        merged.enforcement.CopyFrom(old.enforcement)
    merged.enforcement_count = old.enforcement_count
    if list(old.violations) == list(new.violations):
        merged.time.CopyFrom(old.time)
    return merged


def _merge_runtime(old: Alert, new: Alert, process_message: ProcessMessage) -> Alert:
    merged = Alert()
    merged.CopyFrom(new)
    merged.id = old.id
    merged.first_occurred.CopyFrom(old.first_occurred)
    fresh_processes = _merge_processes(merged, old, new, process_message)
    fresh_violations = _merge_violations(merged, old, new)
    if not (fresh_processes or fresh_violations):
        return old
    return merged


def _merge_processes(merged: Alert, old: Alert, new: Alert, process_message: ProcessMessage) -> bool:
    """Append processes newer than the last; the alert freezes once it holds the limit."""
    if not (old.HasField("process_violation") or new.HasField("process_violation")):
        return False
    known = list(old.process_violation.processes)
    merged.process_violation.CopyFrom(old.process_violation)
    if len(known) >= MAX_RUNTIME_VIOLATIONS:
        return False
    last = max((p.signal.time.ToNanoseconds() for p in known), default=-1)
    fresh = [p for p in new.process_violation.processes if p.signal.time.ToNanoseconds() > last]
    if not fresh:
        return False
    together = [*known, *fresh][-MAX_RUNTIME_VIOLATIONS:]
    del merged.process_violation.processes[:]
    merged.process_violation.processes.extend(together)
    merged.process_violation.message = process_message(together)
    return True


def _is_file(violation: Alert.Violation) -> bool:
    return violation.type == Alert.Violation.FILE_ACCESS


def _merge_violations(merged: Alert, old: Alert, new: Alert) -> bool:
    """Kube and network events roll (newest first); file accesses freeze at the limit."""
    files, fresh_files = _merge_files(old, new)
    old_events = [v for v in old.violations if not _is_file(v)]
    new_events = [v for v in new.violations if not _is_file(v) and v.type != Alert.Violation.GENERIC]
    generic = [v for v in new.violations if v.type == Alert.Violation.GENERIC and v not in old_events]
    fresh_events = [v for v in new_events if v not in old_events]
    del merged.violations[:]
    merged.violations.extend([*fresh_events, *generic, *old_events][:MAX_RUNTIME_VIOLATIONS])
    merged.violations.extend(files)
    return bool(fresh_events or generic or fresh_files)


def _merge_files(old: Alert, new: Alert) -> tuple[list[Alert.Violation], bool]:
    known = [v for v in old.violations if _is_file(v)]
    if len(known) >= MAX_RUNTIME_VIOLATIONS:
        return known, False
    last = max((v.file_access.timestamp.ToNanoseconds() for v in known), default=-1)
    fresh = [v for v in new.violations if _is_file(v) and v.file_access.timestamp.ToNanoseconds() > last]
    return [*known, *fresh][-MAX_RUNTIME_VIOLATIONS:], bool(fresh)
