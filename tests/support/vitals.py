"""Whether a process came through hostile input: the same process, alive, and not much larger."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

MIB = 1 << 20


def family(pid: int) -> list[int]:
    """The process and all that it started."""
    found = [pid]
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = tasks.read_text().split()
        except OSError:
            continue
        for child in children:
            found += family(int(child))
    return found


def pss(pid: int) -> int:
    """Bytes of memory of the process and its children, what they share counted once."""
    total = 0
    for one in family(pid):
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total * 1024


class Peak:
    """The highest memory of a process and its children inside the block."""

    def __init__(self, pid: int, *, every: float = 0.2) -> None:
        """Look every so many seconds."""
        self._pid, self._every, self._ended = pid, every, threading.Event()
        self.highest = 0

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.highest = max(self.highest, pss(self._pid))
            if self._ended.wait(self._every):
                return


@dataclass
class Vitals:
    """What a process was before, and what became of it."""

    process: subprocess.Popen[bytes]
    before: int

    @property
    def alive(self) -> bool:
        """Whether it is still the same process."""
        return self.process.poll() is None

    @property
    def grown_mib(self) -> float:
        """How many MiB it has gained, its children included."""
        return (pss(self.process.pid) - self.before) / MIB


@contextmanager
def unharmed(process: subprocess.Popen[bytes], *, mib: float) -> Iterator[Vitals]:
    """Afterwards the process must live and have grown by at most so many MiB, its children included."""
    vitals = Vitals(process, pss(process.pid))
    yield vitals
    assert vitals.alive, f"the process ended with {process.returncode}"
    grown = vitals.grown_mib
    assert grown <= mib, f"the process grew by {grown:.0f} MiB, from {vitals.before / MIB:.0f} MiB"


def sockets(pid: int) -> int:
    """How many sockets the process has open."""
    count = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            count += str(descriptor.readlink()).startswith("socket:")
        except OSError:
            continue
    return count
