"""What happened in the pods of a deployment, container by container, in order of time. Pure.

Kubernetes tells the times of containers in whole seconds, Collector those of processes
exactly, so that a container may seem to start after its first process and to end before
its last: such times are moved (upstream central/graphql/resolvers).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import ContainerInstance, Pod
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.workload.pods import SHORT_ID

VIOLATION, PROCESS = "PolicyViolationEvent", "ProcessActivityEvent"
RESTART, TERMINATION = "ContainerRestartEvent", "ContainerTerminationEvent"
UNKNOWN_UID = -1
Expected = Mapping[str, frozenset[str]]
"""Per container with a locked baseline, the executables that it names."""


@dataclass(slots=True)
class Event:
    """One thing that happened; what only some kinds have is None for the others."""

    id: str
    type: str
    name: str
    time: int
    """Nanoseconds since 1970."""
    args: str | None = None
    uid: int | None = None
    parent_name: str | None = None
    parent_uid: int | None = None
    in_baseline: bool | None = None
    exit_code: int | None = None
    reason: str | None = None


@dataclass(slots=True)
class Container:
    """All instances of one container of a pod."""

    id: str
    name: str
    started: int | None
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class PodEvents:
    """A pod with its containers, by name."""

    id: str
    name: str
    deployment_id: str
    started: int | None
    containers: list[Container] = field(default_factory=list)

    def count(self, kind: str) -> int:
        """How many events of a kind there are."""
        return sum(event.type == kind for one in self.containers for event in one.events)


@dataclass(frozen=True, slots=True)
class Happened:
    """What is known of one deployment."""

    processes: Sequence[ProcessIndicator] = ()
    alerts: Sequence[Alert] = ()
    """Active runtime alerts."""
    expected: Expected = field(default_factory=dict)


def events_of(pods: Iterable[Pod], happened: Mapping[str, Happened]) -> list[PodEvents]:
    """The events of the pods, by the pods' start; `happened` is by deployment."""
    made = [_pod(pod, happened.get(pod.deployment_id, Happened())) for pod in pods]
    return sorted(made, key=lambda pod: (pod.started or 0, pod.name, pod.id))


def nanoseconds(moment: Timestamp) -> int:
    """The moment as a number; any moment has one, even one that is no date."""
    return moment.seconds * 10**9 + moment.nanos


def _pod(pod: Pod, happened: Happened) -> PodEvents:
    ran: dict[str, list[ProcessIndicator]] = defaultdict(list)
    for indicator in happened.processes:
        if indicator.pod_id == pod.name:
            ran[indicator.container_name].append(indicator)
    live = {one.container_name: one for one in pod.live_instances}
    ended: dict[str, list[ContainerInstance]] = defaultdict(list)
    for listed in pod.terminated_instances:
        for one in listed.instances:
            ended[one.container_name].append(one)
    containers = []
    for name in sorted(live.keys() | ended.keys()):
        past = sorted(ended.get(name, ()), key=lambda one: nanoseconds(one.started))
        instances = [*past, *([live[name]] if name in live else [])]
        processes = [_process(one, happened.expected) for one in ran.get(name, ())]
        events = [
            *(_violation(alert) for alert in happened.alerts if _concerns(alert, pod.name, name)),
            *(event for event, _ in processes),
            *_restarts(instances, processes),
            *_terminations(past, processes),
        ]
        events.sort(key=lambda event: event.time)
        id_ = f"{pod.name}.{pod.namespace}@{pod.id}:{name}"
        containers.append(Container(id_, name, _started(instances, events), events))
    started = nanoseconds(pod.started) if pod.HasField("started") else None
    return PodEvents(pod.id, pod.name, pod.deployment_id, started, containers)


def _started(instances: Sequence[ContainerInstance], events: Sequence[Event]) -> int | None:
    times = [nanoseconds(one.started) for one in instances if one.HasField("started")]
    if not times:
        return None
    first = min(times)
    return min(first, events[0].time) if events else first


def _violation(alert: Alert) -> Event:
    return Event(alert.id, VIOLATION, alert.policy.name, nanoseconds(alert.time))


def _concerns(alert: Alert, pod: str, container: str) -> bool:
    return any(
        process.pod_id == pod and process.container_name == container
        for process in alert.process_violation.processes
    )


def _process(indicator: ProcessIndicator, expected: Expected) -> tuple[Event, str]:
    """The event, and the short id of the container instance that it ran in."""
    signal = indicator.signal
    parent, parent_uid = None, UNKNOWN_UID
    if signal.lineage_info:
        parent, parent_uid = signal.lineage_info[0].parent_exec_file_path, signal.lineage_info[0].parent_uid
    elif signal.lineage:
        parent = signal.lineage[0]
    path = signal.exec_file_path
    event = Event(
        indicator.id,
        PROCESS,
        path,
        nanoseconds(signal.time),
        args=signal.args,
        uid=signal.uid,
        parent_name=parent,
        parent_uid=parent_uid,
        in_baseline=path in expected.get(indicator.container_name, (path,)),
    )
    return event, signal.container_id


def _restarts(instances: Sequence[ContainerInstance], processes: Iterable[tuple[Event, str]]) -> list[Event]:
    """Every instance but the first one was a restart, at the latest when its first process ran."""
    first: dict[str, int] = {}
    for event, container in processes:
        first[container] = min(first.get(container, event.time), event.time)
    return [
        Event(
            one.instance_id.id,
            RESTART,
            one.container_name,
            min(nanoseconds(one.started), first.get(_short(one), nanoseconds(one.started))),
        )
        for one in instances[1:]
        if one.HasField("started")
    ]


def _terminations(past: Iterable[ContainerInstance], processes: Iterable[tuple[Event, str]]) -> list[Event]:
    """Every instance that ended did so not before its last process ran."""
    last: dict[str, int] = {}
    for event, container in processes:
        last[container] = max(last.get(container, event.time), event.time)
    return [
        Event(
            one.instance_id.id,
            TERMINATION,
            one.container_name,
            max(nanoseconds(one.finished), last.get(_short(one), 0)),
            exit_code=one.exit_code,
            reason=one.termination_reason,
        )
        for one in past
        if one.HasField("finished")
    ]


def _short(instance: ContainerInstance) -> str:
    return instance.instance_id.id[:SHORT_ID]
