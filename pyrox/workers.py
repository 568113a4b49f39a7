"""A small pool of worker processes for work that would block the event loop.

Made by the `app.py` of a process, used by its components. Workers are started by the
first piece of work and ended when there was none for a while, so an idle process costs
nothing. They are spawned, never forked (gRPC's threads do not survive a fork). A
worker that dies or runs over its time is replaced; only its own work fails.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from multiprocessing import get_context
from types import FrameType
from typing import ParamSpec, TypeVar

from pyrox.errors import DeadlinePassed, Exhausted, Unavailable

P = ParamSpec("P")
T = TypeVar("T")
_GIBI = 1024**3
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class WorkTimeout(Exception):
    """The time for one piece of work is over; raised inside the worker only."""


def _on_alarm(_: int, __: FrameType | None) -> None:
    raise WorkTimeout


def _prepare(parent: int, memory_bytes: int) -> None:
    """Runs once in each worker: it dies with its parent, which handles signals; memory is bounded."""
    # prctl(PR_SET_PDEATHSIG): a parent that is killed must not leave its workers behind.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It died while this worker started, before the kernel was asked to tell.
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, _on_alarm)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _timed(seconds: float, function: Callable[..., T], args: tuple[object, ...]) -> T:
    """Runs in the worker's main thread, where an alarm can interrupt it."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return function(*args)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class Workers:
    """Runs module-level functions with picklable arguments in worker processes."""

    def __init__(
        self, *, count: int, memory_bytes: int = 2 * _GIBI, seconds: float = 600.0, idle_seconds: float = 60.0
    ) -> None:
        """At most `count` workers, each with this much address space.

        One piece of work may take `seconds`; the workers end after `idle_seconds`
        without any.
        """
        self._count = count
        self._memory_bytes = memory_bytes
        self._seconds = seconds
        self._idle_seconds = idle_seconds
        self._pool: ProcessPoolExecutor | None = None
        self._running = 0
        self._idle: asyncio.TimerHandle | None = None

    @property
    def started(self) -> bool:
        """Whether workers exist at the moment."""
        return self._pool is not None

    async def run(self, what: str, function: Callable[P, T], *args: P.args, **_: P.kwargs) -> T:
        """The function's result; `what` names the work in errors.

        Raises `DeadlinePassed` when it takes too long, `Exhausted` when it needs too much
        memory, `Unavailable` when the worker died; the function's own errors pass.
        """
        async with self._in_use() as pool:
            work = pool.submit(_timed, self._seconds, function, args)
            try:
                return await asyncio.wrap_future(work)
            except WorkTimeout as err:
                raise DeadlinePassed(f"{what}: not finished after {self._seconds:g} s of work") from err
            except MemoryError as err:
                raise Exhausted(
                    f"{what}: needs more than {self._memory_bytes // _GIBI} GiB of memory"
                ) from err
            except BrokenProcessPool as err:
                self._drop(pool)
                raise Unavailable(f"{what}: the worker process ended before its work; try again") from err

    def close(self) -> None:
        """End all workers; work that runs is lost."""
        if self._idle is not None:
            self._idle.cancel()
        if self._pool is not None:
            self._drop(self._pool)

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        if self._pool is pool:
            self._pool = None
        pool.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def _in_use(self) -> AsyncIterator[ProcessPoolExecutor]:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._count,
                get_context("spawn"),
                initializer=_prepare,
                initargs=(os.getpid(), self._memory_bytes),
            )
        self._running += 1
        try:
            yield self._pool
        finally:
            self._running -= 1
            if not self._running:
                self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self.close)
