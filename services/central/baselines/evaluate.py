"""What the baselines of a deployment mean for what it ran: learned, expected, or suspicious. Pure.

The risk worker calls it with what it loaded of one deployment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.process_baseline_pb2 import (
    ContainerNameAndBaselineStatus,
    ProcessBaseline,
    ProcessBaselineKey,
    ProcessBaselineResults,
)
from services.central.baselines import rules


@dataclass(frozen=True, slots=True)
class Seen:
    """An executable that a container ran and that its baseline does not name."""

    container: str
    path: str
    at_start: bool = False
    """Whether it ran at the start of a container at least once."""


@dataclass(frozen=True, slots=True)
class Process:
    """One run of such an executable."""

    container: str
    name: str
    arguments: str
    path: str
    at_start: bool = False


@dataclass(slots=True)
class Learned:
    """What became of the baselines of one deployment."""

    baselines: dict[str, ProcessBaseline] = field(default_factory=dict)
    """All of them, by container."""
    changed: dict[str, ProcessBaseline] = field(default_factory=dict)
    """Those to be written, by container."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides whether something is learned."""

    now: datetime
    observed: bool
    """Whether the deployment is still watched: nothing is made of it then."""
    lock: bool = False
    """Whether baselines are locked for the user now that the watching is over."""


def learn(
    deployment: Deployment,
    baselines: Mapping[str, ProcessBaseline],
    seen: Iterable[Seen],
    situation: Situation,
) -> Learned:
    """Let the baselines take in what was seen, as far as they still learn."""
    now, learned = situation.now, Learned(dict(baselines))
    by_container: dict[str, list[Seen]] = {}
    for one in seen:
        if one.path:
            by_container.setdefault(one.container, []).append(one)
    for container, found in by_container.items():
        baseline = baselines.get(container)
        if baseline is not None:
            if _taken_in(baseline, found, now):
                learned.changed[container] = baseline
        elif not situation.observed and rules.usable(key := _key(deployment, container)):
            made = rules.made(key, (one.path for one in found), now, now)
            learned.baselines[container] = learned.changed[container] = made
    if situation.lock:
        for container in by_container.keys() | baselines.keys():
            kept = learned.baselines.get(container)
            if kept is not None and not kept.HasField("user_locked_timestamp"):
                kept.user_locked_timestamp.FromDatetime(now)
                kept.last_update.FromDatetime(now)
                learned.changed[container] = kept
    return learned


def _taken_in(baseline: ProcessBaseline, found: Sequence[Seen], now: datetime) -> bool:
    """Whether the baseline learned any of it."""
    if rules.user_locked(baseline, now):
        return False
    # A baseline whose learning is over still takes in what belongs to a container's start.
    news = [one.path for one in found if one.at_start or not rules.locked(baseline, now)]
    if not news or not rules.edit(baseline, news, (), auto=True):
        return False
    baseline.last_update.FromDatetime(now)
    return True


def suspicious(
    baselines: Mapping[str, ProcessBaseline], ran: Iterable[Process], now: datetime
) -> list[Process]:
    """The processes outside of a locked baseline that do not belong to a container's start."""
    expected = {
        container: rules.names(baseline)
        for container, baseline in baselines.items()
        if rules.locked(baseline, now)
    }
    return [
        one
        for one in ran
        if one.path and not one.at_start and one.path not in expected.get(one.container, {one.path})
    ]


def results(
    deployment: Deployment,
    baselines: Mapping[str, ProcessBaseline],
    outside: Iterable[Process],
    now: datetime,
) -> ProcessBaselineResults:
    """The state of the baseline of each container, in the order of the containers."""
    anomalous = {one.container for one in outside}
    return ProcessBaselineResults(
        deployment_id=deployment.id,
        cluster_id=deployment.cluster_id,
        namespace=deployment.namespace,
        baseline_statuses=[
            ContainerNameAndBaselineStatus(
                container_name=container.name,
                baseline_status=rules.status(baselines.get(container.name), now),
                anomalous_processes_executed=container.name in anomalous,
            )
            for container in deployment.containers
        ],
    )


def _key(deployment: Deployment, container: str) -> ProcessBaselineKey:
    return ProcessBaselineKey(
        deployment_id=deployment.id,
        container_name=container,
        cluster_id=deployment.cluster_id,
        namespace=deployment.namespace,
    )
