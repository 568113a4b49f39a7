"""What becomes of alerts when a new set arrives."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from pyrox.pb.storage.alert_pb2 import Alert, ViolationState
from pyrox.pb.storage.policy_pb2 import EnforcementAction, LifecycleStage
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.policy.alerts import MAX_RUNTIME_VIOLATIONS
from pyrox.policy.eventmessages import process_message
from services.central.alerts.merge import Outcome, decide, merge_pair, subject_key

ACTIVE, RESOLVED, ATTEMPTED = ViolationState.ACTIVE, ViolationState.RESOLVED, ViolationState.ATTEMPTED
DEPLOY, RUNTIME = LifecycleStage.DEPLOY, LifecycleStage.RUNTIME


@dataclass
class World:
    inactive: set[str] = field(default_factory=set)
    excluded: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def policy_active(self, policy_id: str) -> bool:
        return policy_id not in self.inactive

    def no_longer_applies(self, alert: Alert) -> bool:
        return alert.policy.id in self.excluded

    def subject_gone(self, alert: Alert) -> bool:
        return alert.deployment.id in self.gone


def alert(
    id_: str,
    *,
    policy: str = "p1",
    stage: int = DEPLOY,
    state: int = ACTIVE,
    seconds: int = 100,
    messages: tuple[str, ...] = ("m",),
    deployment: str = "d1",
) -> Alert:
    made = Alert(
        id=id_, lifecycle_stage=LifecycleStage.ValueType(stage), state=ViolationState.ValueType(state)
    )
    made.policy.id = policy
    made.deployment.id = deployment
    made.time.seconds = seconds
    for message in messages:
        made.violations.add(message=message)
    return made


def run(previous: list[Alert], incoming: list[Alert], world: World | None = None) -> Outcome:
    return decide(previous, incoming, world or World(), process_message)


def test_decide_first_sight_is_new_with_first_occurred() -> None:
    outcome = run([], [alert("a")])
    assert [a.id for a in outcome.new] == ["a"]
    assert outcome.new[0].first_occurred.seconds == 100


def test_decide_same_violation_again_needs_no_write() -> None:
    old = run([], [alert("a")]).new[0]
    outcome = run([old], [alert("b", seconds=200)])
    assert outcome == Outcome(unchanged=1)


def test_decide_changed_violation_keeps_id_and_takes_new_time() -> None:
    old = run([], [alert("a")]).new[0]
    outcome = run([old], [alert("b", seconds=200, messages=("m", "n"))])
    assert [(a.id, a.time.seconds, a.first_occurred.seconds) for a in outcome.updated] == [("a", 200, 100)]


def test_decide_missing_deploy_alert_is_resolved() -> None:
    outcome = run([alert("a"), alert("b", policy="p2")], [alert("c")])
    assert [a.id for a in outcome.resolved] == ["b"]
    assert outcome.resolved[0].state == RESOLVED


def test_decide_empty_list_resolves_all_deploy_alerts() -> None:
    assert [a.id for a in run([alert("a")], []).resolved] == ["a"]


def test_decide_runtime_alert_outlives_silence() -> None:
    assert run([alert("a", stage=RUNTIME)], []) == Outcome(unchanged=1)


def test_decide_runtime_alert_of_removed_policy_is_resolved() -> None:
    outcome = run([alert("a", stage=RUNTIME)], [], World(inactive={"p1"}))
    assert [a.id for a in outcome.resolved] == ["a"]


def test_decide_runtime_alert_now_excluded_is_resolved() -> None:
    outcome = run([alert("a", stage=RUNTIME)], [], World(excluded={"p1"}))
    assert [a.id for a in outcome.resolved] == ["a"]


def test_decide_incoming_of_disabled_policy_is_left_out() -> None:
    outcome = run([alert("a")], [alert("b")], World(inactive={"p1"}))
    assert not outcome.new
    assert [a.id for a in outcome.resolved] == ["a"]


def test_decide_attempted_deploy_alerts_are_never_merged() -> None:
    attempted = alert("a", state=ATTEMPTED)
    outcome = run([attempted], [alert("b", state=ATTEMPTED)])
    assert [a.id for a in outcome.new] == ["b"]
    assert not outcome.resolved


def test_decide_attempted_in_the_set_resolves_nothing() -> None:
    outcome = run([alert("a", policy="p2")], [alert("b", state=ATTEMPTED)])
    assert not outcome.resolved


def test_decide_attempted_alert_is_never_resolved_by_itself() -> None:
    assert run([alert("a", state=ATTEMPTED)], []) == Outcome(unchanged=1)


def test_decide_runtime_alert_of_removed_deployment_becomes_inactive() -> None:
    outcome = run([alert("a", stage=RUNTIME)], [], World(gone={"d1"}))
    assert [(a.id, a.deployment.inactive, a.state) for a in outcome.updated] == [("a", True, ACTIVE)]


def test_decide_changes_no_argument() -> None:
    old, new = alert("a"), alert("b", messages=("x",))
    copies = (Alert.FromString(old.SerializeToString()), Alert.FromString(new.SerializeToString()))
    run([old], [new])
    run([old], [])
    assert (old, new) == copies


def test_merge_pair_deploy_keeps_old_enforcement() -> None:
    old = alert("a")
    old.enforcement.action = 1  # type: ignore[assignment]  # SCALE_TO_ZERO_ENFORCEMENT
    merged = merge_pair(old, alert("b", messages=("x",)), process_message)
    assert merged.enforcement.action == 1


def runtime(id_: str, *starts: int) -> Alert:
    made = alert(id_, stage=RUNTIME, messages=())
    for start in starts:
        process = made.process_violation.processes.add()
        process.signal.exec_file_path = f"/bin/p{start}"
        process.signal.time.seconds = start
    made.process_violation.message = process_message(made.process_violation.processes)
    return made


def starts(made: Alert) -> list[int]:
    return [process.signal.time.seconds for process in made.process_violation.processes]


def test_merge_pair_runtime_appends_only_newer_processes() -> None:
    merged = merge_pair(runtime("a", 1, 5), runtime("b", 4, 6), process_message)
    assert starts(merged) == [1, 5, 6]
    assert merged.id == "a"
    assert merged.process_violation.message.startswith(
        "Binaries '/bin/p1', '/bin/p5', and '/bin/p6' executed"
    )


def test_merge_pair_runtime_nothing_newer_is_the_old_alert() -> None:
    old = runtime("a", 1, 5)
    assert merge_pair(old, runtime("b", 3), process_message) is old


def test_merge_pair_runtime_keeps_the_newest_up_to_the_limit() -> None:
    merged = merge_pair(runtime("a", *range(1, 40)), runtime("b", *range(40, 45)), process_message)
    assert starts(merged) == list(range(5, 45))


def test_merge_pair_runtime_full_alert_freezes() -> None:
    old = runtime("a", *range(1, MAX_RUNTIME_VIOLATIONS + 1))
    assert merge_pair(old, runtime("b", 99), process_message) is old


def kube(id_: str, *messages: str) -> Alert:
    made = alert(id_, stage=RUNTIME, messages=())
    for message in messages:
        made.violations.add(message=message, type=Alert.Violation.K8S_EVENT)
    return made


def test_merge_pair_kube_events_roll_newest_first() -> None:
    old = kube("a", *(f"m{n}" for n in range(40)))
    merged = merge_pair(old, kube("b", "new"), process_message)
    assert [v.message for v in merged.violations][:2] == ["new", "m0"]
    assert len(merged.violations) == MAX_RUNTIME_VIOLATIONS


def test_merge_pair_same_kube_event_is_the_old_alert() -> None:
    old = kube("a", "m")
    assert merge_pair(old, kube("b", "m"), process_message) is old


def files(id_: str, *seconds: int) -> Alert:
    made = alert(id_, stage=RUNTIME, messages=())
    for second in seconds:
        violation = made.violations.add(type=Alert.Violation.FILE_ACCESS)
        violation.file_access.timestamp.seconds = second
    return made


def test_merge_pair_file_accesses_append_and_freeze() -> None:
    merged = merge_pair(files("a", 1, 2), files("b", 2, 3), process_message)
    assert [v.file_access.timestamp.seconds for v in merged.violations] == [1, 2, 3]
    full = files("a", *range(1, MAX_RUNTIME_VIOLATIONS + 1))
    assert merge_pair(full, files("b", 99), process_message) is full


def test_subject_key_tells_resources_apart_by_place() -> None:
    one, two = Alert(), Alert()
    for made, namespace in ((one, "a"), (two, "b")):
        made.resource.name, made.resource.cluster_id, made.resource.namespace = "s", "c", namespace
    node = Alert()
    node.node.id = "n"
    image = Alert()
    image.image.id = "sha256:1"
    keys = {
        subject_key(one),
        subject_key(two),
        subject_key(node),
        subject_key(image),
        subject_key(alert("a")),
    }
    assert len(keys) == 5


@pytest.mark.parametrize(
    ("paths", "arguments", "users", "message"),
    [
        (["/bin/sh"], ["-c ls"], [0], "Binary '/bin/sh' executed with arguments '-c ls' under user ID 0"),
        (["/bin/sh"], [""], [7], "Binary '/bin/sh' executed without arguments under user ID 7"),
        (
            ["/a", "/b"],
            ["x", "y"],
            [0, 1],
            "Binaries '/a' and '/b' executed with 2 different arguments under 2 different user IDs",
        ),
        (
            [f"/{n}" for n in range(10)],
            [""] * 10,
            [0] * 10,
            "10 binaries executed without arguments under user ID 0",
        ),
    ],
)
def test_process_message_counts_and_names(
    paths: list[str], arguments: list[str], users: list[int], message: str
) -> None:
    processes = []
    for path, args, uid in zip(paths, arguments, users, strict=True):
        process = ProcessIndicator()
        process.signal.exec_file_path, process.signal.args, process.signal.uid = path, args, uid
        processes.append(process)
    assert process_message(processes) == message


def test_merge_pair_deploy_does_not_add_an_enforcement_that_never_was() -> None:
    old, new = alert("a"), alert("b", messages=("x",))
    new.enforcement.action = EnforcementAction.SCALE_TO_ZERO_ENFORCEMENT
    merged = merge_pair(old, new, process_message)
    assert not merged.HasField("enforcement")
