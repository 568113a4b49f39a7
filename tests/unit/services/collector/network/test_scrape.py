"""Sockets of containers, from a made /proc."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.collector.network import scrape as module
from services.collector.network.scrape import scrape
from services.collector.network.sockets import State
from tests.support import made_proc
from tests.support.made_proc import CONNECTED, LISTENS, end, line

DIGITS, SHORT = "a" * 64, "a" * 12
SOCKETS = (
    line(end("0.0.0.0", 8080), end("0.0.0.0", 0), LISTENS, "11"),  # noqa: S104 - written, not bound
    line(end("10.0.0.2", 8080), end("8.8.8.8", 50000), CONNECTED, "12"),
    line(end("10.0.0.2", 50000), end("8.8.8.8", 443), CONNECTED, "13"),
)


def process(proc: Path, pid: int, inodes: tuple[int, ...], *, cgroup: str = "", namespace: int = 1) -> Path:
    """A process in a namespace with those sockets."""
    return made_proc.process(proc, pid, inodes, *SOCKETS, cgroup=cgroup, namespace=namespace)


def test_sockets_belong_to_the_container_whose_process_holds_them(tmp_path: Path) -> None:
    process(tmp_path, 1, (11, 12))
    process(tmp_path, 2, (13,), cgroup=f"0::/{'b' * 64}")
    (tmp_path / "meminfo").write_text("")
    found = {owned.socket.inode: (owned.container, owned.server) for owned in scrape(tmp_path)}
    assert found == {11: (SHORT, True), 12: (SHORT, True), 13: ("b" * 12, False)}


def test_socket_of_no_container_and_of_another_namespace_is_nobodys(tmp_path: Path) -> None:
    process(tmp_path, 1, (11,), cgroup="0::/user.slice")
    process(tmp_path, 2, (99,), namespace=2)
    assert scrape(tmp_path) == []


def test_process_that_ended_and_tables_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "cgroup").write_text(f"0::/{DIGITS}")
    directory = process(tmp_path, 2, (11,))
    (directory / "net" / "tcp").unlink()
    process(tmp_path, 3, (13,), namespace=3)
    assert [owned.socket.inode for owned in scrape(tmp_path)] == [13]


def test_files_of_one_process_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 1)
    directory = process(tmp_path, 1, (11, 12, 13))
    (directory / "fd" / "99").unlink()
    assert len(scrape(tmp_path)) == 1


def test_state_is_the_tables(tmp_path: Path) -> None:
    process(tmp_path, 1, (11, 12))
    assert sorted(owned.socket.state.value for owned in scrape(tmp_path)) == [
        State.CONNECTED.value,
        State.LISTENING.value,
    ]
