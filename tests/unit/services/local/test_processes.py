"""Process identities: an id alone proves nothing."""

from __future__ import annotations

import os
from pathlib import Path

from services.local import processes
from services.local.places import Places
from services.local.processes import Identity


def test_an_identity_is_kept_in_a_file_while_its_process_lives(tmp_path: Path) -> None:
    me = Identity.of(os.getpid())
    assert me is not None
    me.write(tmp_path / "me.pid")
    assert Identity.read(tmp_path / "me.pid") == me
    Identity(me.pid, me.start - 1).write(tmp_path / "me.pid")
    assert Identity.read(tmp_path / "me.pid") is None


def test_a_file_that_names_no_process_reads_as_none(tmp_path: Path) -> None:
    path = tmp_path / "x.pid"
    assert Identity.read(path) is None
    path.write_text("many words here")
    assert Identity.read(path) is None


def test_processes_of_another_installation_are_not_ours(tmp_path: Path) -> None:
    assert processes.marked(Places(tmp_path)) == []


def test_the_memory_of_a_process_is_read_and_of_none_is_nothing() -> None:
    assert processes.memory(os.getpid()) > 1024 * 1024
    assert processes.memory(2**22 + 1) == 0


def test_a_process_is_a_member_of_its_group() -> None:
    assert os.getpid() in processes.group(os.getpgid(0))
