"""Temporary directories: one's own, those of the dead, and everybody else's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyrox.scratch import Scratch, remove_abandoned

# Opens a directory, says so, and waits to be killed.
HOLDER = """
import sys, time
from pathlib import Path
from pyrox.scratch import Scratch
made = Scratch("thing-", Path(sys.argv[1])).open()
(made / "file").write_text("x")
print(made, flush=True)
time.sleep(60)
"""


def told_by(holder: subprocess.Popen[str]) -> Path:
    """The directory that the other process prints, between its log lines."""
    assert holder.stdout is not None
    return Path(next(line for line in holder.stdout if line.startswith("/")).strip())


def test_open_makes_a_private_directory_and_close_removes_it(tmp_path: Path) -> None:
    scratch = Scratch("thing-", tmp_path)
    made = scratch.open()
    assert (made.parent, made.name[:6], made.stat().st_mode & 0o777) == (tmp_path, "thing-", 0o700)
    assert scratch.open() == made
    (made / "file").write_text("x")
    scratch.close()
    scratch.close()
    assert list(tmp_path.iterdir()) == []
    assert scratch.directory is None


def test_block_has_the_directory_while_it_runs(tmp_path: Path) -> None:
    with Scratch("thing-", tmp_path) as made:
        assert made.is_dir()
    assert not made.exists()


def test_two_of_one_process_do_not_remove_each_other(tmp_path: Path) -> None:
    one, other = Scratch("thing-", tmp_path), Scratch("thing-", tmp_path)
    assert one.open() != other.open()
    assert len(list(tmp_path.iterdir())) == 2
    one.close()
    other.close()


def test_directory_of_a_killed_process_is_removed_and_of_a_living_one_is_not(tmp_path: Path) -> None:
    holders = [
        subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    made = [told_by(holder) for holder in holders]
    holders[0].send_signal(signal.SIGKILL)
    holders[0].wait()
    try:
        assert (made[0] / "file").exists()
        scratch = Scratch("thing-", tmp_path)
        mine = scratch.open()
        assert sorted(tmp_path.iterdir()) == sorted([made[1], mine])
        scratch.close()
    finally:
        holders[1].kill()
        for holder in holders:
            holder.communicate()


def test_links_files_and_other_names_are_left_alone(tmp_path: Path) -> None:
    outside, parent = tmp_path / "outside", tmp_path / "parent"
    outside.mkdir()
    parent.mkdir()
    (outside / "kept").write_text("x")
    (parent / "thing-link").symlink_to(outside)
    (parent / "thing-file").write_text("x")
    (parent / "thing-gone").symlink_to(parent / "nowhere")
    (parent / "thing").mkdir()
    abandoned = parent / "thing-old"
    abandoned.mkdir()
    (abandoned / "inner").symlink_to(outside)
    remove_abandoned(parent, "thing-")
    assert sorted(path.name for path in parent.iterdir()) == [
        "thing",
        "thing-file",
        "thing-gone",
        "thing-link",
    ]
    assert (outside / "kept").exists()


def test_directory_of_another_account_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "thing-theirs").mkdir()
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    remove_abandoned(tmp_path, "thing-")
    assert (tmp_path / "thing-theirs").is_dir()


def test_directory_that_another_start_removed_first_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, opened = os.open, []

    def late(path: Path, flags: int) -> int:
        opened.append(path)
        if len(opened) == 1:
            Path(path).rmdir()
        return real(path, flags)

    monkeypatch.setattr(os, "open", late)
    scratch = Scratch("thing-", tmp_path)
    assert scratch.open().is_dir()
    assert len(opened) == 2
    scratch.close()
