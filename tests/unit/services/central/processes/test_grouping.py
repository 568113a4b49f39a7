"""Processes by executable and arguments."""

from __future__ import annotations

from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from services.central.processes.grouping import by_name, by_name_and_container


def ran(
    path: str, args: str, *, container: str = "main", container_id: str = "a", second: int = 0
) -> ProcessIndicator:
    made = ProcessIndicator(id=f"{path}{args}{container_id}{second}", container_name=container)
    made.signal.exec_file_path, made.signal.args, made.signal.container_id = path, args, container_id
    made.signal.time.seconds = second
    return made


def test_by_name_sorts_names_arguments_and_times() -> None:
    groups = by_name([ran("/b", "-x", second=2), ran("/b", "-x", second=1), ran("/b", "-a"), ran("/a", "")])
    assert [group.name for group in groups] == ["/a", "/b"]
    assert [one.args for one in groups[1].groups] == ["-a", "-x"]
    assert [signal.signal.time.seconds for signal in groups[1].groups[1].signals] == [1, 2]


def test_by_name_counts_containers_not_starts() -> None:
    (group,) = by_name([ran("/b", "1"), ran("/b", "2"), ran("/b", "1", container_id="b")])
    assert group.times_executed == 2


def test_by_name_of_nothing_is_nothing() -> None:
    assert by_name([]) == []


def test_by_container_keeps_containers_apart() -> None:
    groups = by_name_and_container([ran("/b", "", container="x"), ran("/b", "", container="w")], {})
    assert [(group.name, group.container_name) for group in groups] == [("/b", "w"), ("/b", "x")]
    assert not any(group.suspicious for group in groups)


def test_by_container_suspects_what_a_locked_baseline_does_not_name() -> None:
    groups = by_name_and_container(
        [ran("/good", ""), ran("/bad", ""), ran("/bad", "", container="free")],
        {"main": frozenset({"/good"})},
    )
    assert {(group.name, group.container_name): group.suspicious for group in groups} == {
        ("/bad", "free"): False,
        ("/bad", "main"): True,
        ("/good", "main"): False,
    }
