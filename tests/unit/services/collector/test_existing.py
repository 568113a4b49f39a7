from __future__ import annotations

from pathlib import Path

import pytest

from services.collector.events import Ancestor
from services.collector.existing import running
from tests.support.fake_probe import CONTAINER

GROUP = f"0::/kubepods/pod1/{CONTAINER}\n"


class Proc:
    """A directory with files as in /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(
        self,
        pid: int,
        *,
        parent: int = 1,
        own: int = 7,
        group: str = GROUP,
        exe: str = "/bin/sh",
        cmdline: bytes = b"sh\0-c\0id\0",
        comm: bytes = b"sh\n",
        ticks: int = 300,
        ids: tuple[int, int] = (0, 1000),
    ) -> Path:
        directory = self.root / str(pid)
        directory.mkdir()
        (directory / "cgroup").write_text(group)
        (directory / "status").write_text(
            f"Name:\tsh\nPPid:\t{parent}\nUid:\t{ids[0]}\t{ids[1]}\t0\t0\nGid:\t0\t1001\t0\t0\n"
            f"NSpid:\t{pid}\t{own}\n"
        )
        numbers = " ".join(str(number) for number in range(4, 22))
        (directory / "stat").write_text(f"{pid} (od d) S 2) S {numbers} {ticks} 9 9\n")
        (directory / "comm").write_bytes(comm)
        (directory / "cmdline").write_bytes(cmdline)
        (directory / "exe").symlink_to(exe)
        return directory


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


def test_running_process_in_a_container_is_told_as_scraped(proc: Proc) -> None:
    proc.add(10)
    (found,) = running(proc.root, 1_000)
    assert (found.container, found.pid, found.uid, found.gid) == (CONTAINER[:12], 10, 1000, 1001)
    assert (found.name, found.path, found.arguments) == ("sh", "/bin/sh", "-c id")
    assert found.scraped
    # 300 ticks of a hundredth of a second after the start of the machine.
    assert found.nanoseconds == 3_000_001_000


def test_running_host_processes_and_other_entries_are_left_out(proc: Proc) -> None:
    proc.add(10, group="0::/system.slice/ssh.service\n")
    (proc.root / "meminfo").write_text("")
    (proc.root / "self").mkdir()
    assert running(proc.root, 0) == []


def test_running_oldest_comes_first(proc: Proc) -> None:
    proc.add(10, ticks=500)
    proc.add(11, ticks=400)
    assert [found.pid for found in running(proc.root, 0)] == [11, 10]


def test_running_lineage_ends_at_the_border_of_the_container(proc: Proc) -> None:
    proc.add(5, parent=4, own=1, exe="/sbin/init", ids=(0, 0))
    proc.add(6, parent=5, own=2, exe="/bin/sh")
    proc.add(7, parent=6, own=3, exe="/bin/ls")
    proc.add(4, parent=1, own=4, exe="/usr/bin/shim")
    found = {execution.pid: execution for execution in running(proc.root, 0)}
    assert found[7].ancestors == (Ancestor(1000, "/bin/sh"), Ancestor(0, "/sbin/init"))
    assert found[5].ancestors == ()


def test_running_process_that_is_its_own_ancestor_ends(proc: Proc) -> None:
    proc.add(5, parent=6)
    proc.add(6, parent=5)
    assert len(running(proc.root, 0)) == 2


@pytest.mark.parametrize("file", ["cgroup", "status", "stat", "comm", "cmdline", "exe"])
def test_running_process_that_ends_meanwhile_is_left_out(proc: Proc, file: str) -> None:
    (proc.add(10) / file).unlink()
    proc.add(11)
    assert [found.pid for found in running(proc.root, 0)] == [11]


@pytest.mark.parametrize(
    ("file", "content"), [("status", "PPid: x"), ("status", ""), ("stat", "10"), ("stat", ")")]
)
def test_running_process_with_odd_files_is_left_out(proc: Proc, file: str, content: str) -> None:
    (proc.add(10) / file).write_text(content)
    proc.add(11)
    assert [found.pid for found in running(proc.root, 0)] == [11]


def test_running_odd_texts_are_cut_and_made_readable(proc: Proc) -> None:
    proc.add(10, cmdline=b"sh\0" + b"x" * 9_000, comm=b"\xff\n", exe="/bin/gone (deleted)")
    (found,) = running(proc.root, 0)
    assert len(found.arguments) == 4095 - 3
    assert (found.name, found.path) == ("?", "/bin/gone")


def test_running_directory_that_cannot_be_read_gives_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        running(tmp_path / "gone", 0)
