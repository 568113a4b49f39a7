"""Processes of the machine, through `/proc`: who is alive, who is ours, how much they hold.

Process ids are reused, so an id alone proves nothing: it is kept with the start time,
and everything that an installation starts carries its mark in the environment, which
its children inherit. It must not know the table.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyrox.clock import Clock
from services.local.places import MARK, MARK_NAME, Places

_PROC = Path("/proc")
# Fields of /proc/PID/stat after the command's closing bracket (proc(5)): 3 is the state,
# 5 the group, 22 the start time.
_STATE, _GROUP, _START = 0, 2, 19
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that cannot be mistaken for a later one with the same id."""

    pid: int
    start: int
    """Clock ticks since boot."""

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """The living process of this id."""
        fields = _stat(pid)
        return None if fields is None or fields[_STATE] in "ZX" else cls(pid, int(fields[_START]))

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return Identity.of(self.pid) == self

    def write(self, path: Path) -> None:
        """Keep it in a file, whole or not at all."""
        scratch = path.with_suffix(".new")
        scratch.write_text(f"{self.pid} {self.start}\n")
        scratch.replace(path)

    @classmethod
    def read(cls, path: Path) -> Identity | None:
        """The process of a file, if it is alive."""
        try:
            pid, start = path.read_text().split()
            found = cls(int(pid), int(start))
        except (OSError, ValueError):
            return None
        return found if found.alive else None


def _stat(pid: int) -> list[str] | None:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _pids() -> Iterator[int]:
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def marked(places: Places, name: str | None = None) -> list[Identity]:
    """Every living process that this installation started, or of one name; never ourselves."""
    mark = f"{MARK}={places.state}".encode()
    wanted = None if name is None else f"{MARK_NAME}={name}".encode()
    found = []
    for pid in _pids():
        try:
            words = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
        ours = mark in words and (wanted is None or wanted in words)
        if ours and pid != os.getpid() and (identity := Identity.of(pid)) is not None:
            found.append(identity)
    return found


def group(pid: int) -> list[int]:
    """The living processes of a process group."""
    members = []
    for candidate in _pids():
        fields = _stat(candidate)
        if fields is not None and fields[_STATE] not in "ZX" and fields[_GROUP] == str(pid):
            members.append(candidate)
    return members


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Signal them all; those that ended meanwhile are passed over."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def end(processes: Sequence[Identity], clock: Clock, *, polite_seconds: float) -> None:
    """Ask them to end, wait, then kill; returns when none is alive."""
    for number, seconds in ((signal.SIGTERM, polite_seconds), (signal.SIGKILL, 10.0)):
        alive = [process for process in processes if process.alive]
        send((process.pid for process in alive), number)
        deadline = clock.monotonic() + seconds
        while alive and clock.monotonic() < deadline:
            signal.sigtimedwait([], _POLL_SECONDS)
            alive = [process for process in alive if process.alive]


def memory(pid: int) -> int:
    """The proportional set size of a process in bytes; 0 when it may not be read."""
    try:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return 0
    return 0
