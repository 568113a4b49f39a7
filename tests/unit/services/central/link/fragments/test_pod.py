"""What is remembered of containers that ended."""

from __future__ import annotations

from pyrox.pb.storage.deployment_pb2 import ContainerInstance, Pod
from services.central.link.fragments.pod import MAX_ENDED, merged


def instance(name: str, started: int, *, ended: int = 0, code: int = 0) -> ContainerInstance:
    made = ContainerInstance(container_name=name, exit_code=code)
    made.instance_id.id = f"{name}-{started}"
    made.started.seconds = started
    if ended:
        made.finished.seconds = ended
    return made


def pod(*instances: ContainerInstance, listed: bool = True) -> Pod:
    """A pod as a Sensor tells it; upstream's Sensors tell ended containers among the live ones."""
    made = Pod(id="p", name="web", deployment_id="d")
    for one in instances:
        if listed and one.HasField("finished"):
            made.terminated_instances.add().instances.append(one)
        else:
            made.live_instances.append(one)
    return made


def shown(found: Pod) -> tuple[list[str], list[list[str]]]:
    live = [one.instance_id.id for one in found.live_instances]
    return live, [[one.instance_id.id for one in listed.instances] for listed in found.terminated_instances]


def test_first_word_about_a_pod_is_sorted_into_running_and_ended() -> None:
    told = pod(instance("app", 2), instance("init", 1, ended=2), listed=False)
    assert shown(merged(told, None)) == (["app-2"], [["init-1"]])


def test_containers_that_ended_before_are_kept_by_container_the_oldest_first() -> None:
    known = merged(pod(instance("app", 1, ended=2), instance("side", 1)), None)
    known = merged(pod(instance("app", 3, ended=4), instance("side", 1)), known)
    told = pod(instance("app", 5), instance("side", 1))
    assert shown(merged(told, known)) == (["app-5", "side-1"], [["app-1", "app-3"]])


def test_end_that_is_told_twice_is_one_end() -> None:
    told = pod(instance("app", 1, ended=2, code=1))
    known = merged(told, merged(told, None))
    assert shown(known) == ([], [["app-1"]])
    assert known.terminated_instances[0].instances[0].exit_code == 1


def test_container_that_is_not_mentioned_any_more_ended_unseen() -> None:
    known = merged(pod(instance("app", 1)), None)
    found = merged(pod(instance("app", 3)), known)
    assert shown(found) == (["app-3"], [["app-1"]])
    assert not found.terminated_instances[0].instances[0].HasField("finished")


def test_only_the_newest_ends_are_kept() -> None:
    known = None
    for number in range(1, 15):
        known = merged(pod(instance("app", number, ended=number + 1)), known)
    assert known is not None
    _, (ended,) = shown(known)
    assert (len(ended), ended[0], ended[-1]) == (MAX_ENDED, "app-5", "app-14")


def test_pod_keeps_what_else_it_says() -> None:
    told = pod(instance("app", 1))
    told.started.seconds = 7
    found = merged(told, merged(pod(), None))
    assert (found.id, found.name, found.deployment_id, found.started.seconds) == ("p", "web", "d", 7)
