"""The sockets of all containers of this node: blocking, called on a thread.

Every container's processes are asked for their sockets, every network namespace once for
its tables. A process may end meanwhile or have more files than anybody reads: it is then
left out, or read within bounds. It must not know what becomes of sockets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from services.collector.containers import container_of_file
from services.collector.network.sockets import TABLES, Socket, State, read_table

# A process may have a million files open; a table may have a million lines.
MAX_FILES = 65_536
MAX_TABLE_BYTES = 32 << 20
_MAX_CGROUP = 16 << 10
_SOCKET, _END = "socket:[", "]"


@dataclass(frozen=True, slots=True)
class Owned:
    """A socket and what it belongs to."""

    socket: Socket
    container: str
    server: bool
    """Whether its local port is one that somebody in the same namespace listens on."""


def scrape(proc: Path) -> list[Owned]:
    """Every connected or listening socket of a container's process."""
    owners: dict[str, dict[int, str]] = {}
    of_namespace: dict[str, Path] = {}
    for directory, container in _processes(proc):
        try:
            namespace = str((directory / "ns" / "net").readlink())
            inodes = set(_inodes(directory / "fd"))
        except OSError:
            # It ended meanwhile.
            continue
        of_namespace.setdefault(namespace, directory)
        owners.setdefault(namespace, {}).update(dict.fromkeys(inodes, container))
    found: list[Owned] = []
    for namespace, directory in of_namespace.items():
        sockets = list(_sockets(directory))
        ports = {(one.protocol, one.local_port) for one in sockets if one.state is State.LISTENING}
        for socket in sockets:
            owner = owners[namespace].get(socket.inode)
            if owner is not None:
                found.append(Owned(socket, owner, (socket.protocol, socket.local_port) in ports))
    return found


def _processes(proc: Path) -> Iterator[tuple[Path, str]]:
    for entry in os.scandir(proc):
        if not entry.name.isdecimal():
            continue
        directory = proc / entry.name
        try:
            with (directory / "cgroup").open("rb") as file:
                lines = file.read(_MAX_CGROUP).decode(errors="replace").splitlines()
        except OSError:
            continue
        if container := container_of_file(lines):
            yield directory, container


def _inodes(folder: Path) -> Iterator[int]:
    with os.scandir(folder) as entries:
        for entry in islice(entries, MAX_FILES):
            try:
                target = os.readlink(entry.path)  # noqa: PTH115 - this is the hot loop of every round
            except OSError:
                continue
            inode = target.removeprefix(_SOCKET).removesuffix(_END)
            if len(inode) < len(target) and inode.isdecimal():
                yield int(inode)


def _sockets(directory: Path) -> Iterator[Socket]:
    for name in TABLES:
        try:
            with (directory / "net" / name).open("rb") as file:
                lines = file.read(MAX_TABLE_BYTES).decode("ascii", errors="replace").splitlines()
        except OSError:
            continue
        yield from read_table(name, lines)
