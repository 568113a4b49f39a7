"""Processes that ran in containers before Collector, or its stream, did: read from /proc.

Called by the stream for each new connection, on a thread. A process may end while it is
looked at, or lie about itself: each is read within bounds and left out when it cannot
be read. It must not know where the executions go.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from services.collector.containers import container_of_file
from services.collector.events import RAW_ANCESTORS, Ancestor, Execution, arguments_of, collapse, text

# As much as the kernel side reads of a new process.
_MAX_ARGUMENTS = 4095
_MAX_FILE = 16 << 10
# The field of /proc/<pid>/stat behind the name at which the start time stands (proc(5): field 22).
_START_FIELD = 19


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    own_pid: int
    """As the process itself sees it."""
    container: str
    uid: int
    gid: int
    name: str
    path: str
    arguments: str
    ticks: int


def running(proc: Path, boot_nanoseconds: int) -> list[Execution]:
    """An execution for each process in a container, oldest first."""
    ticks_per_second = os.sysconf("SC_CLK_TCK")
    table = {process.pid: process for process in _processes(proc)}
    found = [
        _execution(process, table, boot_nanoseconds + process.ticks * 1_000_000_000 // ticks_per_second)
        for process in table.values()
    ]
    return sorted(found, key=lambda execution: execution.nanoseconds)


def _execution(process: _Process, table: Mapping[int, _Process], nanoseconds: int) -> Execution:
    return Execution(
        container=process.container,
        pid=process.pid,
        uid=process.uid,
        gid=process.gid,
        name=process.name or process.path,
        path=process.path or process.name,
        arguments=process.arguments,
        ancestors=collapse(tuple(_ancestors(process, table))),
        nanoseconds=nanoseconds,
        scraped=True,
    )


def _ancestors(process: _Process, table: Mapping[int, _Process]) -> Iterator[Ancestor]:
    """Those in containers that do not see the node's process numbers."""
    for _ in range(RAW_ANCESTORS):
        above = table.get(process.parent)
        if above is None or above.pid == above.own_pid:
            return
        yield Ancestor(above.uid, above.path)
        process = above


def _processes(proc: Path) -> Iterator[_Process]:
    for entry in os.scandir(proc):
        if entry.name.isdecimal():
            try:
                process = _process(proc / entry.name, int(entry.name))
            except (OSError, ValueError, LookupError):
                # It ended meanwhile, or is a kernel thread: nothing to tell.
                continue
            if process is not None:
                yield process


def _process(directory: Path, pid: int) -> _Process | None:
    container = container_of_file(_read(directory / "cgroup").decode(errors="replace").splitlines())
    if not container:
        return None
    status = _status(_read(directory / "status").decode(errors="replace"))
    stat = _read(directory / "stat")
    return _Process(
        pid=pid,
        parent=int(status["PPid"]),
        own_pid=int(status.get("NSpid", str(pid)).split()[-1]),
        container=container,
        uid=int(status["Uid"].split()[1]),
        gid=int(status["Gid"].split()[1]),
        name=text(_read(directory / "comm").removesuffix(b"\n")),
        path=text(os.fsencode((directory / "exe").readlink())).removesuffix(" (deleted)"),
        arguments=arguments_of(_read(directory / "cmdline", _MAX_ARGUMENTS)),
        # The name before the last bracket may hold brackets and spaces of its own.
        ticks=int(stat[stat.rindex(b")") + 2 :].split()[_START_FIELD]),
    )


def _status(lines: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines.splitlines())
    return {key: value.strip() for key, _, value in pairs}


def _read(path: Path, limit: int = _MAX_FILE) -> bytes:
    with path.open("rb") as file:
        return file.read(limit)
