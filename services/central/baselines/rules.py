"""The rules of process baselines: when one is locked, what it learns, what an edit does. Pure.

The store and the worker call it. Formats and rules are upstream's (central/processbaseline).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pyrox.errors import Invalid
from pyrox.pb.storage.process_baseline_pb2 import (
    BaselineElement,
    ContainerNameAndBaselineStatus,
    ProcessBaseline,
    ProcessBaselineKey,
)

Status = ContainerNameAndBaselineStatus
# A process that a container runs so soon is part of its start.
STARTUP = timedelta(minutes=1)
_MAX_KEY, _MAX_NAME, _MAX_NAMES = 1024, 16 << 10, 5000


def id_of(key: ProcessBaselineKey) -> str:
    """The id of the baseline of a container. Raises `Invalid` for a key that names none."""
    parts = (key.cluster_id, key.namespace, key.deployment_id, key.container_name)
    if not usable(key):
        raise Invalid(f"invalid key {key_text(key)}: doesn't match any of our known patterns")
    return ":".join(("DC", *parts))


def usable(key: ProcessBaselineKey) -> bool:
    """Whether the key names a container."""
    parts = (key.cluster_id, key.namespace, key.deployment_id, key.container_name)
    return all(0 < len(part) <= _MAX_KEY for part in parts)


def key_text(key: ProcessBaselineKey) -> str:
    """The key as messages name it."""
    fields = ("deployment_id", "container_name", "cluster_id", "namespace")
    return " ".join(f'{name}:"{getattr(key, name)[:_MAX_KEY]}"' for name in fields if getattr(key, name))


def user_locked(baseline: ProcessBaseline, now: datetime) -> bool:
    """Whether somebody locked it."""
    return _passed(baseline, "user_locked_timestamp", now)


def locked(baseline: ProcessBaseline, now: datetime) -> bool:
    """Whether it is held against processes: locked by somebody, or by the end of its learning."""
    return user_locked(baseline, now) or _passed(baseline, "stack_rox_locked_timestamp", now)


def status(baseline: ProcessBaseline | None, now: datetime) -> Status.BaselineStatus.ValueType:
    """The state that lists show."""
    if baseline is None:
        return Status.NOT_GENERATED
    return Status.LOCKED if locked(baseline, now) else Status.UNLOCKED


def names(baseline: ProcessBaseline) -> frozenset[str]:
    """The executables that it expects."""
    return frozenset(one.element.process_name for one in baseline.elements)


def edit(baseline: ProcessBaseline, add: Iterable[str], remove: Iterable[str], *, auto: bool) -> bool:
    """Add and remove executables; whether anything changed.

    What was removed is remembered, and nothing but a user's own hand adds it again. An
    element that a user added stays the user's.
    """
    before = (list(baseline.elements), list(baseline.element_graveyard))
    kept = {one.element.process_name: one for one in baseline.elements}
    buried = {one.element.process_name: one for one in baseline.element_graveyard}
    for name in add:
        if auto and name in buried:
            continue
        if name not in kept or kept[name].auto:
            buried.pop(name, None)
            kept[name] = _element(name, auto=auto)
    for name in remove:
        kept.pop(name, None)
        if name not in buried or buried[name].auto:
            buried[name] = _element(name, auto=auto)
    del baseline.elements[:]
    baseline.elements.extend(kept[name] for name in sorted(kept))
    del baseline.element_graveyard[:]
    baseline.element_graveyard.extend(buried[name] for name in sorted(buried))
    return before != (list(baseline.elements), list(baseline.element_graveyard))


def made(key: ProcessBaselineKey, found: Iterable[str], now: datetime, locks: datetime) -> ProcessBaseline:
    """A new baseline with what was seen so far, which learns until `locks`."""
    baseline = ProcessBaseline(id=id_of(key), key=key)
    baseline.elements.extend(_element(name, auto=True) for name in sorted(set(found)))
    baseline.created.FromDatetime(now)
    baseline.last_update.FromDatetime(now)
    baseline.stack_rox_locked_timestamp.FromDatetime(locks)
    return baseline


def checked_names(found: Iterable[str]) -> list[str]:
    """The executables of a request without empty ones. Raises `Invalid` for too many or too long ones."""
    wanted = [name for name in found if name]
    if len(wanted) > _MAX_NAMES:
        raise Invalid.because(f"{len(wanted)} process names; at most {_MAX_NAMES} are taken at a time")
    if any(len(name) > _MAX_NAME for name in wanted):
        raise Invalid.because(f"a process name is longer than {_MAX_NAME} characters")
    return wanted


def is_startup(ran: datetime | None, container_started: datetime | None) -> bool:
    """Whether a process belongs to the start of its container."""
    if container_started is None:
        return False
    return ran is None or ran - container_started < STARTUP


def _element(name: str, *, auto: bool) -> BaselineElement:
    made_of = BaselineElement(auto=auto)
    made_of.element.process_name = name
    return made_of


def _passed(baseline: ProcessBaseline, field: str, now: datetime) -> bool:
    if not baseline.HasField(field):  # type: ignore[arg-type]  # names of the descriptor
        return False
    moment: datetime = getattr(baseline, field).ToDatetime(tzinfo=UTC)
    return moment <= now
