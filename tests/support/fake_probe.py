"""The kernel side as the watch sees it: records that a test wrote, behind a real descriptor."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

from services.collector.loader import Counters, Probe, ProbeUnavailable

CONTAINER = "0123456789ab" + "cd" * 26
GROUP = f"cri-containerd-{CONTAINER}.scope"


def names(path: str) -> bytes:
    """A path as the kernel side writes it: the last name first, each ended by a zero."""
    return b"".join(name + b"\0" for name in reversed(path.encode().split(b"/")) if name)


def record(
    *,
    path: str = "/bin/sh",
    arguments: bytes = b"sh\0-c\0id\0",
    comm: bytes = b"sh",
    group: str | bytes = GROUP,
    ancestors: Sequence[tuple[int, int, str]] = (),
    pid: int = 4711,
    ids: tuple[int, int] = (1000, 1001),
    time: int = 5_000_000_000,
    path_bytes: int | None = None,
    args_bytes: int | None = None,
    ancestor_count: int | None = None,
) -> bytes:
    """A record as `struct record` of the kernel program; the sizes may be made to lie."""
    cgroup = group if isinstance(group, bytes) else group.encode()
    texts = names(path)
    head = struct.pack(
        "<Q7I16s128s",
        time,
        pid,
        1,
        *ids,
        len(texts) if path_bytes is None else path_bytes,
        len(arguments) if args_bytes is None else args_bytes,
        len(ancestors) if ancestor_count is None else ancestor_count,
        comm,
        cgroup,
    )
    texts += arguments
    above = b""
    for number, uid, ancestor in ancestors:
        above += struct.pack("<3I", number, uid, len(names(ancestor)))
        texts += names(ancestor)
    return head + above.ljust(16 * 12, b"\0") + texts


class FakeProbe:
    """Gives what was `put`; `refuse` makes it impossible to open, `broken` to read."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self.fd = self._reader
        self._waiting: list[bytes] = []
        self.refuse = ""
        self.broken = ""
        self.count = Counters()
        self.opened = 0
        self.closed = 0
        self.ring_bytes = 0

    def open(self, ring_bytes: int) -> Probe:
        """What the watch calls to load the program."""
        if self.refuse:
            raise ProbeUnavailable(self.refuse)
        self.opened += 1
        self.ring_bytes = ring_bytes
        return self

    def put(self, *records: bytes) -> None:
        self._waiting += records
        os.write(self._writer, b"x" * len(records))

    def read(self, limit: int) -> list[bytes]:
        if self.broken:
            raise ProbeUnavailable(self.broken)
        taken, self._waiting = self._waiting[:limit], self._waiting[limit:]
        if taken:
            os.read(self._reader, len(taken))
        return taken

    def counters(self) -> Counters:
        return self.count

    def close(self) -> None:
        self.closed += 1

    def end(self) -> None:
        """Close the descriptors."""
        os.close(self._reader)
        os.close(self._writer)
