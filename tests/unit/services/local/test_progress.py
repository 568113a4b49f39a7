"""What is printed while waiting, and the table of `status`."""

from __future__ import annotations

import os

from services.local.board import Board, Entry, State
from services.local.processes import Identity
from services.local.progress import Progress, status_table


def board_of(**states: State) -> Board:
    return Board(
        "x", {name: Entry(name, "127.0.10.1", {"api": 8443}, state) for name, state in states.items()}
    )


def test_each_change_is_said_once() -> None:
    progress, board = Progress(), board_of(one=State.STARTING, two=State.WAITING)
    assert progress.lines(board, 1.5) == [
        "[  1.5s] one              starting",
        "[  1.5s] two              waiting",
    ]
    assert progress.lines(board, 2.0) == []
    board.entries["one"].state = State.HEALTHY
    assert progress.lines(board, 12.0) == ["[ 12.0s] one              healthy"]


def test_the_reason_of_a_restart_is_said_and_that_of_a_start_is_not_repeated() -> None:
    progress, board = Progress(), board_of(one=State.STARTING)
    progress.lines(board, 0)
    board.entries["one"].note = "connection refused"
    assert progress.lines(board, 0) == []
    board.entries["one"].state, board.entries["one"].note = State.RESTARTING, "it ended with exit code 1"
    assert progress.lines(board, 0) == ["[  0.0s] one              restarting: it ended with exit code 1"]


def test_those_who_are_awaited_are_named() -> None:
    board = board_of(one=State.HEALTHY, two=State.STARTING, three=State.WAITING)
    assert Progress().waiting(board) == "1 of 3 ready, waiting for two, three"


def test_status_shows_a_living_process_and_calls_a_lost_one_dead() -> None:
    board = board_of(one=State.HEALTHY, two=State.HEALTHY, three=State.WAITING)
    me = Identity.of(os.getpid())
    assert me is not None
    board.entries["one"].pid, board.entries["one"].start = me.pid, me.start
    lines = status_table(board, {"one": 3 * 1024 * 1024})
    assert lines[0].split() == ["PROCESS", "STATE", "LISTENS", "AT", "PID", "RESTARTS", "MEMORY"]
    assert lines[1].split() == ["one", "healthy", "127.0.10.1:8443", str(me.pid), "0", "3", "MiB"]
    assert lines[2].split()[:2] == ["two", "dead"]
    assert lines[3].split()[:2] == ["three", "waiting"]
