"""The status board survives its file, and damage reads as no board."""

from __future__ import annotations

import os
from pathlib import Path

from services.local import board
from services.local.board import Board, Entry, State
from services.local.processes import Identity


def entry(name: str, state: State, **more: object) -> Entry:
    return Entry(name=name, address="127.0.10.1", ports={"api": 1}, state=state, **more)  # type: ignore[arg-type]


def test_a_board_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = Board("abc", {"one": entry("one", State.BLOCKED, note="why", restarts=3)})
    written.write(tmp_path / "status.json")
    assert board.read(tmp_path / "status.json") == written


def test_a_missing_or_damaged_board_reads_as_none(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    assert board.read(path) is None
    for damage in ("{", "[]", '{"fingerprint": 1}', '{"fingerprint": "x", "processes": [{"state": "odd"}]}'):
        path.write_text(damage)
        assert board.read(path) is None


def test_a_board_is_ready_when_every_process_is_healthy() -> None:
    assert not Board("x").ready
    entries = {"one": entry("one", State.HEALTHY), "two": entry("two", State.STARTING)}
    assert not Board("x", entries).ready
    entries["two"].state = State.HEALTHY
    assert Board("x", entries).ready


def test_an_entry_knows_its_process_only_while_that_very_process_lives() -> None:
    me = Identity.of(os.getpid())
    assert me is not None
    assert entry("one", State.HEALTHY, pid=me.pid, start=me.start).identity == me
    assert entry("one", State.HEALTHY, pid=me.pid, start=me.start + 1).identity is None
    assert entry("one", State.HEALTHY).identity is None
