"""Whether a process came through hostile input: the same process, alive, and not much larger."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def unharmed(process: subprocess.Popen[bytes], *, mib: float) -> Iterator[None]:
    """Afterwards the process must live and have grown by at most so many MiB, its children included."""
    before = pss(process.pid)
    yield
    assert process.poll() is None, f"the process ended with {process.returncode}"
    grown = (pss(process.pid) - before) / MIB
    assert grown <= mib, f"the process grew by {grown:.0f} MiB, from {before / MIB:.0f} MiB"


def sockets(pid: int) -> int:
    """How many sockets the process has open."""
    count = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            count += str(descriptor.readlink()).startswith("socket:")
        except OSError:
            continue
    return count
