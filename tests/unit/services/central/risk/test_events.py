"""What happened in pods, in order of time."""

from __future__ import annotations

from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import ContainerInstance, Pod
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from services.central.risk.events import Container, Event, Happened, events_of

SECOND = 10**9
LONG = "0123456789abcdef"
"""The id of a container; Collector tells its first twelve characters."""


def instance(id_: str, started: int, *, ended: int = 0, name: str = "app") -> ContainerInstance:
    made = ContainerInstance(container_name=name, exit_code=137 if ended else 0)
    made.instance_id.id, made.started.seconds = id_, started
    if ended:
        made.finished.seconds, made.termination_reason = ended, "OOMKilled"
    return made


def pod(name: str = "web-1", *, started: int = 10, live: ContainerInstance | None = None) -> Pod:
    made = Pod(id=f"id-{name}", name=name, deployment_id="d", namespace="shop")
    made.started.seconds = started
    if live is not None:
        made.live_instances.append(live)
    return made


def ran(
    path: str, seconds: float, *, container: str = "app", in_pod: str = "web-1", id_: str = LONG
) -> ProcessIndicator:
    made = ProcessIndicator(id=f"{path}@{seconds}", pod_id=in_pod, container_name=container)
    made.signal.exec_file_path, made.signal.container_id = path, id_[:12]
    made.signal.time.seconds, made.signal.time.nanos = int(seconds), int(seconds % 1 * SECOND)
    return made


def alert(name: str, seconds: int, *processes: ProcessIndicator) -> Alert:
    made = Alert(id=name)
    made.policy.name, made.time.seconds = name, seconds
    made.process_violation.processes.extend(processes)
    return made


def only(found: Pod, happened: Happened) -> Container:
    """The events of the one container of the one pod."""
    (made,) = events_of([found], {"d": happened})
    (container,) = made.containers
    return container


def shown(events: list[Event]) -> list[tuple[str, str, float]]:
    return [(event.type.removesuffix("Event"), event.name, event.time / SECOND) for event in events]


def test_processes_and_violations_belong_to_their_pod_and_container() -> None:
    shell = ran("/bin/sh", 20)
    happened = Happened(
        [shell, ran("/bin/a", 15), ran("/bin/b", 16, in_pod="web-2"), ran("/bin/c", 17, container="side")],
        [alert("Shell", 21, shell), alert("Other", 22, ran("/bin/x", 1, in_pod="web-2"))],
    )
    container = only(pod(live=instance(LONG, 12)), happened)
    assert (container.id, container.name) == ("web-1.shop@id-web-1:app", "app")
    assert shown(container.events) == [
        ("ProcessActivity", "/bin/a", 15),
        ("ProcessActivity", "/bin/sh", 20),
        ("PolicyViolation", "Shell", 21),
    ]


def test_process_tells_its_parent_and_whether_it_was_expected() -> None:
    first, second, third = ran("/bin/a", 1), ran("/bin/b", 2), ran("/bin/c", 3)
    first.signal.args, first.signal.uid = "-x", 1000
    first.signal.lineage_info.add(parent_exec_file_path="/init", parent_uid=7)
    second.signal.lineage.append("/old")
    container = only(
        pod(live=instance(LONG, 1)),
        Happened([first, second, third], expected={"app": frozenset({"/bin/a"})}),
    )
    found = [
        (one.args, one.uid, one.parent_name, one.parent_uid, one.in_baseline) for one in container.events
    ]
    assert found == [
        ("-x", 1000, "/init", 7, True),
        ("", 0, "/old", -1, False),
        ("", 0, None, -1, False),
    ]
    unlocked = only(pod(live=instance(LONG, 1)), Happened([second]))
    assert unlocked.events[0].in_baseline is True


def test_container_starts_at_the_latest_with_its_first_event() -> None:
    container = only(pod(live=instance(LONG, 12)), Happened([ran("/bin/a", 11.5)]))
    assert container.started == 11.5 * SECOND
    assert only(pod(live=instance(LONG, 12)), Happened()).started == 12 * SECOND
    unknown = instance(LONG, 12)
    unknown.ClearField("started")
    assert only(pod(live=unknown), Happened([ran("/bin/a", 11.5)])).started is None


def test_ended_instances_are_ends_and_what_follows_are_restarts() -> None:
    found = pod(live=instance("third-instance", 40))
    listed = found.terminated_instances.add().instances
    listed.append(instance("second-instance", 20, ended=30))
    listed.append(instance("first-instance", 12, ended=15))
    happened = Happened(
        [
            ran("/bin/late", 15.5, id_="first-instance"),
            ran("/bin/early", 19.5, id_="second-instance"),
            ran("/bin/earlier", 19.25, id_="second-instance"),
        ]
    )
    container = only(found, happened)
    assert [(kind, at) for kind, name, at in shown(container.events) if name == "app"] == [
        ("ContainerTermination", 15.5),
        ("ContainerRestart", 19.25),
        ("ContainerTermination", 30),
        ("ContainerRestart", 40),
    ]
    end = next(one for one in container.events if one.type == "ContainerTerminationEvent")
    assert (end.id, end.exit_code, end.reason) == ("first-instance", 137, "OOMKilled")
    assert container.started == 12 * SECOND


def test_instance_that_ended_unseen_has_no_end_and_makes_the_next_one_a_restart() -> None:
    found = pod(live=instance("second-instance", 20))
    found.terminated_instances.add().instances.append(instance("first-instance", 12))
    assert shown(only(found, Happened()).events) == [("ContainerRestart", "app", 20)]


def test_pods_come_by_start_and_containers_by_name() -> None:
    late, early = pod("late", started=20, live=instance("b", 1, name="b")), pod("early", started=5)
    late.live_instances.append(instance("a", 1, name="a"))
    late.terminated_instances.add()
    made = events_of([late, early, Pod(id="new", name="new", deployment_id="d")], {})
    assert [one.name for one in made] == ["new", "early", "late"]
    assert [one.name for one in made[2].containers] == ["a", "b"]
    assert (made[0].started, made[2].started) == (None, 20 * SECOND)
    assert made[2].count("ContainerRestartEvent") == 0
