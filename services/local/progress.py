"""What `up` and `status` print: one line per change, tables, the commands to try.

Pure text from a board. It must not read files or processes itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.local.board import Board, Entry, State

_MIB = 1024 * 1024


class Progress:
    """Remembers what was said, so that each change is said once."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[State, str]] = {}

    def lines(self, board: Board, seconds: float) -> list[str]:
        """What changed since the last call."""
        changed = []
        for entry in board.entries.values():
            now = (entry.state, entry.note if entry.state in _TELLING else "")
            if self._said.get(entry.name) != now:
                self._said[entry.name] = now
                changed.append(_change(entry, seconds))
        return changed

    def waiting(self, board: Board) -> str:
        """Who is still awaited."""
        names = [entry.name for entry in board.entries.values() if entry.state is not State.HEALTHY]
        done = len(board.entries) - len(names)
        return f"{done} of {len(board.entries)} ready, waiting for {', '.join(names)}"


# States whose note says something to the person who waits.
_TELLING = frozenset({State.RESTARTING, State.BLOCKED, State.UNHEALTHY, State.PREPARING})


def _change(entry: Entry, seconds: float) -> str:
    note = f": {entry.note}" if entry.note and entry.state in _TELLING | {State.WAITING} else ""
    return f"[{seconds:5.1f}s] {entry.name:<16} {entry.state}{note}"


def status_table(board: Board, memory: Mapping[str, int]) -> list[str]:
    """One line per process: state, where it listens, how often it came back, memory."""
    rows = [("PROCESS", "STATE", "LISTENS AT", "PID", "RESTARTS", "MEMORY")]
    for entry in board.entries.values():
        ports = ",".join(str(port) for port in entry.ports.values())
        alive = entry.identity is not None
        state = str(entry.state) if alive or entry.state in _WITHOUT_PROCESS else "dead"
        rows.append(
            (
                entry.name,
                state + (f" ({entry.note})" if entry.note else ""),
                f"{entry.address}:{ports}",
                str(entry.pid) if alive else "-",
                str(entry.restarts),
                f"{memory.get(entry.name, 0) / _MIB:.0f} MiB",
            )
        )
    return _aligned(rows)


_WITHOUT_PROCESS = frozenset({State.WAITING, State.RESTARTING, State.BLOCKED, State.STOPPED})


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
