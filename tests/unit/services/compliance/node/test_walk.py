"""The walk of a root: bounded, on its own file system, out of no link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyrox.scan.model import NoteKind
from pyrox.scan.protocols import Limits
from services.compliance.node import walk as walking
from services.compliance.node.walk import Walk


def everything(path: str, mode: int) -> bool:
    return bool(path) and mode > 0


def opened() -> int:
    """How many files this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def walked(root: Path, limits: Limits | None = None) -> tuple[dict[str, bytes], Walk]:
    """The content of every file that the walk hands over."""
    walk = Walk(root, wanted=everything, limits=limits or Limits())
    files = {}
    for file in walk.files():
        with file.open() as data:
            files[file.entry.path] = data.read()
    return files, walk


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def test_regular_files_are_handed_over_in_order(tmp_path: Path) -> None:
    write(tmp_path, "b/c", "a", "b/a/x", "z")
    os.mkfifo(tmp_path / "pipe")
    files, walk = walked(tmp_path)
    assert list(files) == ["a", "z", "b/c", "b/a/x"]
    assert (files["b/a/x"], walk.notes) == (b"b/a/x", [])


def test_links_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "outside/secret", "root/kept")
    root = tmp_path / "root"
    (root / "file").symlink_to("../outside/secret")
    (root / "directory").symlink_to("/")
    (root / "loop").symlink_to(".")
    assert list(walked(root)[0]) == ["kept"]


def test_file_that_became_a_link_or_a_pipe_is_not_opened(tmp_path: Path) -> None:
    write(tmp_path, "a", "b")
    walk = Walk(tmp_path, wanted=everything, limits=Limits())
    files = walk.files()
    first = next(files)
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("b")
    with pytest.raises(OSError, match="symbolic links"):
        first.open()
    second = next(files)
    (tmp_path / "b").unlink()
    os.mkfifo(tmp_path / "b")
    with pytest.raises(OSError, match="no regular file"):
        second.open()
    assert next(files, None) is None


def test_directories_of_containers_and_of_the_kernel_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, *(f"{path}/x" for path in walking.LEFT_OUT), "var/lib/dpkg/status")
    assert list(walked(tmp_path)[0]) == ["var/lib/dpkg/status"]


def test_entries_and_depth_have_bounds(tmp_path: Path) -> None:
    write(tmp_path, *(f"d/{number:03}" for number in range(20)))
    files, walk = walked(tmp_path, Limits(entries=10))
    assert len(files) < 10
    assert {note.kind for note in walk.notes} == {NoteKind.TOO_MANY}
    deep = tmp_path / "/".join(["x"] * 80)
    deep.mkdir(parents=True)
    assert [note.kind for note in walked(tmp_path)[1].notes] == [NoteKind.TOO_DEEP]


@pytest.mark.parametrize("place", ["srv/share", "usr"])
def test_other_file_systems_are_noted_except_those_of_the_system(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, f"{place}/inside", "kept")
    real, other = os.stat, (tmp_path / place).stat().st_ino

    def mounted(name: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        """The directory as if another file system were mounted on it."""
        found = real(name, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        return os.stat_result((*found[:2], found.st_dev + 1, *found[3:])) if found.st_ino == other else found

    monkeypatch.setattr(os, "stat", mounted)
    files, walk = walked(tmp_path)
    system = place in walking.SYSTEM_MOUNTS
    assert (f"{place}/inside" in files) is system
    assert [(note.kind, note.subject) for note in walk.notes] == (
        [] if system else [(NoteKind.UNSUPPORTED, place)]
    )


def test_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        walked(tmp_path / "none")


def test_nothing_stays_open(tmp_path: Path) -> None:
    write(tmp_path, "a/b/c", "d")
    before = opened()
    walked(tmp_path)
    assert opened() == before


def test_what_goes_away_during_the_walk_is_a_note(tmp_path: Path) -> None:
    write(tmp_path, "a", "d/x", "e", "z")
    walk = Walk(tmp_path, wanted=everything, limits=Limits())
    seen = []
    for file in walk.files():
        seen.append(file.entry.path)
        if file.entry.path == "a":
            (tmp_path / "e").unlink()
        if file.entry.path == "z":
            (tmp_path / "d/x").unlink()
            (tmp_path / "d").rmdir()
    assert seen == ["a", "z"]
    assert [(note.kind, note.subject) for note in walk.notes] == [
        (NoteKind.MALFORMED, "e"),
        (NoteKind.MALFORMED, "d"),
    ]
