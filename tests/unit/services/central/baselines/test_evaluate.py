"""What baselines learn, and what they find suspicious."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.process_baseline_pb2 import (
    ContainerNameAndBaselineStatus,
    ProcessBaseline,
    ProcessBaselineKey,
)
from services.central.baselines import rules
from services.central.baselines.evaluate import Learned, Process, Seen, Situation, learn, results, suspicious

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WATCHED, OVER = Situation(NOW, observed=True), Situation(NOW, observed=False)
Status = ContainerNameAndBaselineStatus


def deployment(*containers: str) -> Deployment:
    made = Deployment(id="d", namespace="shop", cluster_id="c")
    for name in containers or ("app",):
        made.containers.add(name=name)
    return made


def baseline(*names: str, container: str = "app", learns: bool = False) -> ProcessBaseline:
    key = ProcessBaselineKey(deployment_id="d", container_name=container, cluster_id="c", namespace="shop")
    return rules.made(key, names, NOW - HOUR, NOW + HOUR if learns else NOW - HOUR)


def locked(found: ProcessBaseline) -> ProcessBaseline:
    found.user_locked_timestamp.FromDatetime(NOW - HOUR)
    return found


def learned(known: Sequence[ProcessBaseline], seen: Sequence[Seen], situation: Situation = OVER) -> Learned:
    return learn(deployment(), {one.key.container_name: one for one in known}, seen, situation)


def names(found: Learned) -> dict[str, list[str]]:
    """What each baseline that is to be written holds."""
    return {
        container: [one.element.process_name for one in one_of.elements]
        for container, one_of in found.changed.items()
    }


def test_nothing_is_made_while_a_deployment_is_watched() -> None:
    found = learned([], [Seen("app", "/bin/a")], WATCHED)
    assert (found.baselines, found.changed) == ({}, {})


def test_baseline_is_made_of_everything_when_the_watching_is_over() -> None:
    seen = [
        Seen("app", "/bin/b"),
        Seen("app", "/bin/a", at_start=True),
        Seen("side", "/bin/c"),
        Seen("app", ""),
    ]
    found = learned([], seen)
    assert names(found) == {"app": ["/bin/a", "/bin/b"], "side": ["/bin/c"]}
    made = found.baselines["app"]
    assert rules.locked(made, NOW)
    assert made.stack_rox_locked_timestamp == made.created
    assert all(one.auto for one in made.elements)


def test_container_that_no_key_can_name_gets_no_baseline() -> None:
    assert names(learned([], [Seen("", "/bin/a"), Seen("app", "/bin/a")])) == {"app": ["/bin/a"]}


def test_baseline_that_learns_takes_everything_in_even_while_watched() -> None:
    found = learned([baseline("/bin/a", learns=True)], [Seen("app", "/bin/b")], WATCHED)
    assert names(found) == {"app": ["/bin/a", "/bin/b"]}


def test_baseline_whose_learning_is_over_takes_in_only_what_belongs_to_a_start() -> None:
    seen = [Seen("app", "/bin/b"), Seen("app", "/bin/init", at_start=True)]
    assert names(learned([baseline("/bin/a")], seen)) == {"app": ["/bin/a", "/bin/init"]}


def test_baseline_that_a_user_locked_learns_nothing() -> None:
    seen = [Seen("app", "/bin/b"), Seen("app", "/bin/init", at_start=True)]
    assert names(learned([locked(baseline("/bin/a", learns=True))], seen)) == {}


def test_what_was_removed_is_not_learned() -> None:
    known = baseline("/bin/a", learns=True)
    rules.edit(known, [], ["/bin/a"], auto=False)
    assert names(learned([known], [Seen("app", "/bin/a")])) == {}


def test_baselines_are_locked_for_the_user_where_the_cluster_says_so() -> None:
    found = learned(
        [baseline("/bin/c", container="side"), locked(baseline("/bin/l", container="locked"))],
        [Seen("app", "/bin/a")],
        Situation(NOW, observed=False, lock=True),
    )
    assert names(found) == {"app": ["/bin/a"], "side": ["/bin/c"]}
    assert rules.user_locked(found.baselines["app"], NOW)
    assert rules.user_locked(found.baselines["side"], NOW)


def test_processes_outside_of_a_locked_baseline_are_suspicious() -> None:
    ran = [
        Process("app", "a", "", "/bin/a"),
        Process("app", "b", "1", "/bin/b"),
        Process("app", "b", "2", "/bin/b"),
        Process("app", "init", "", "/bin/init", at_start=True),
        Process("learns", "b", "", "/bin/b"),
        Process("none", "b", "", "/bin/b"),
        Process("app", "", "", ""),
    ]
    known = {"app": baseline("/bin/a"), "learns": baseline(container="learns", learns=True)}
    assert [(one.path, one.arguments) for one in suspicious(known, ran, NOW)] == [
        ("/bin/b", "1"),
        ("/bin/b", "2"),
    ]
    assert len(suspicious({"learns": locked(known["learns"])}, ran, NOW)) == 1


def test_results_have_a_state_for_each_container_in_order() -> None:
    known = {"app": baseline(), "learns": baseline(container="learns", learns=True), "gone": baseline()}
    outside = [Process("app", "b", "", "/bin/b")]
    found = results(deployment("learns", "app", "none"), known, outside, NOW)
    assert (found.deployment_id, found.cluster_id, found.namespace) == ("d", "c", "shop")
    assert [
        (one.container_name, one.baseline_status, one.anomalous_processes_executed)
        for one in found.baseline_statuses
    ] == [
        ("learns", Status.UNLOCKED, False),
        ("app", Status.LOCKED, True),
        ("none", Status.NOT_GENERATED, False),
    ]
