"""Runtime events that were lost, in a count that outlives the process.

What waits in Sensor's queues ends with Sensor, and nobody else knows of it. So each
queue notes how many it holds in a mapped file, which the kernel keeps when the process
is killed; the next life counts them as lost. Queues tell it, the health report and
Prometheus read it. It must not know what an event is.
"""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import os
import struct
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path

from pyrox import log
from pyrox.metrics import Metrics

_LOG = log.get(__name__)
_MAGIC = b"rxloss1\n"
_NUMBER = struct.Struct("<Q")
_LARGEST = 2**63 - 1


class Queue(IntEnum):
    """Where runtime events wait; the number is the place in the file."""

    OUTBOX = 0
    """For the stream to Central."""
    UNKNOWN = 1
    """For the pod of their container."""
    DETECTOR = 2
    """For the verdict."""


class Cause(IntEnum):
    """Why an event was lost; the number is the place in the file, after the queues."""

    ENDED = 3
    FULL = 4
    OFFLINE = 5
    UNKNOWN = 6


_TEXTS = {
    Cause.ENDED: "waited in a Sensor that ended",
    Cause.FULL: "came when a queue was full",
    Cause.OFFLINE: "came when the queue for a Central that is away was full",
    # Many of them are of containers outside Kubernetes, which nobody would ever have known.
    Cause.UNKNOWN: "of containers that were not known yet",
}
_SLOTS = len(Queue) + len(Cause)
_BYTES = len(_MAGIC) + _SLOTS * _NUMBER.size


class Losses:
    """Counts from the file's first day on; in memory until `open`, or without a file."""

    def __init__(self) -> None:
        self._memory: mmap.mmap | bytearray = bytearray(_MAGIC.ljust(_BYTES, b"\0"))
        self.news = asyncio.Event()
        """Something was lost since it was last cleared."""

    def open(self, file: Path) -> None:
        """Go on with what the file says of earlier lives; without a file count this life only."""
        try:
            mapped = _mapped(file)
        except OSError as err:
            _LOG.warning("losses are not remembered", file=str(file), error=str(err))
            return
        before, self._memory = self._memory, mapped
        self.lost(Cause.ENDED, self._read(Queue.OUTBOX) + self._read(Queue.DETECTOR))
        self.lost(Cause.UNKNOWN, self._read(Queue.UNKNOWN))
        for queue in Queue:
            self._write(queue, _value(before, queue))
        for cause in Cause:
            self._write(cause, self._read(cause) + _value(before, cause))

    def held(self, queue: Queue, count: int) -> None:
        """So many events wait there now."""
        self._write(queue, count)

    def holds(self, queue: Queue) -> int:
        """How many events wait there."""
        return self._read(queue)

    def lost(self, cause: Cause, count: int = 1) -> None:
        """So many more were lost."""
        if count:
            self._write(cause, self._read(cause) + count)
            self.news.set()

    def count(self, cause: Cause) -> int:
        """How many were lost for that reason."""
        return self._read(cause)

    def errors(self) -> list[str]:
        """What the cluster's health says about it; nothing when nothing was lost."""
        parts = [f"{self.count(cause)} {_TEXTS[cause]}" for cause in Cause if self.count(cause)]
        if not parts:
            return []
        return [f"runtime events lost: {', '.join(parts)}; see rox_sensor_runtime_events_lost"]

    def expose(self, metrics: Metrics) -> None:
        """Show the counts to Prometheus."""
        lost = metrics.gauge(
            "runtime_events_lost", "runtime events lost since the count began, by cause", ["cause"]
        )

        def reader(cause: Cause) -> Callable[[], float]:
            return lambda: self.count(cause)

        for cause in Cause:
            lost.labels(cause.name.lower()).set_function(reader(cause))

    def _read(self, slot: int) -> int:
        return _value(self._memory, slot)

    def _write(self, slot: int, value: int) -> None:
        _NUMBER.pack_into(self._memory, _at(slot), min(value, _LARGEST))


def _at(slot: int) -> int:
    return len(_MAGIC) + slot * _NUMBER.size


def _value(memory: mmap.mmap | bytearray, slot: int) -> int:
    found: int = _NUMBER.unpack_from(memory, _at(slot))[0]
    return min(found, _LARGEST)


def _mapped(file: Path) -> mmap.mmap:
    """The file, shared with the kernel; one of another form is begun anew.

    Raises `OSError` when it cannot be written or another Sensor has it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.pread(descriptor, len(_MAGIC), 0) != _MAGIC or os.fstat(descriptor).st_size != _BYTES:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, _MAGIC.ljust(_BYTES, b"\0"), 0)
        # The mapping keeps a descriptor of its own, and with it the lock.
        return mmap.mmap(descriptor, _BYTES)
    finally:
        os.close(descriptor)
