"""Process life cycle: components, their supervisor, bounded queues, signals.

Every `main.py` builds an app and gives its components to `run`; Sensor and the other
long processes are sets of components. It must not know what a component does.

A component is started only when the one before it is ready, and stopped in reverse
order. A component that ends by itself, or with an error, ends the process: the
platform (or `make up`) starts it again from a clean state.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, Protocol, TypeVar

from pyrox import log
from pyrox.errors import RoxError
from pyrox.metrics import Metrics

T = TypeVar("T")
_LOG = log.get(__name__)
# Upstream's charts give a pod 30 s to end; what has not stopped by then is cancelled twice.
STOP_SECONDS = 20.0


class Component(Protocol):
    """A part of a process that runs until it is told to stop."""

    @property
    def name(self) -> str:
        """A short word for logs and health, unique in the process."""

    async def run(self, ready: Callable[[], None]) -> None:
        """Work until cancelled; call `ready` once when others may rely on this one.

        On cancellation it releases what it holds and returns or re-raises.
        """


class ComponentDied(RoxError):
    """A component ended although nobody told it to."""


class Supervisor:
    """Owns the task of every component of one process."""

    def __init__(self, components: Sequence[Component]) -> None:
        names = [component.name for component in components]
        if len(set(names)) != len(names):
            raise ValueError(f"component names repeat: {sorted(names)}")
        self._components = tuple(components)
        self._tasks: list[asyncio.Task[None]] = []
        self._died: asyncio.Future[ComponentDied] | None = None
        self._stopping = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Future[ComponentDied]]:
        """Start all in order, yield a future that tells of a death, stop in reverse.

        Raises `ComponentDied` when one fails before it is ready.
        """
        self._died = asyncio.get_running_loop().create_future()
        try:
            for component in self._components:
                await self._start(component)
            yield self._died
        finally:
            await self._stop()

    async def _start(self, component: Component) -> None:
        assert self._died is not None  # noqa: S101 - only `running` calls this
        ready = asyncio.Event()
        task = asyncio.create_task(component.run(ready.set), name=component.name)
        self._tasks.append(task)
        task.add_done_callback(self._on_done)
        await _either(ready, self._died)
        if self._died.done():
            raise self._died.result()
        _LOG.info("component ready", component=component.name)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        if self._stopping or self._died is None or self._died.done():
            return
        # Nobody but the supervisor cancels a component: one that did it itself is as dead as any.
        cause = asyncio.CancelledError() if task.cancelled() else task.exception()
        reason = f"{type(cause).__name__}: {cause}" if cause else "it returned"
        death = ComponentDied(f"component {task.get_name()} ended by itself: {reason}")
        death.__cause__ = cause
        self._died.set_result(death)

    async def _stop(self) -> None:
        self._stopping = True
        for task in reversed(self._tasks):
            task.cancel()
            _, pending = await asyncio.wait({task}, timeout=STOP_SECONDS)
            if pending:
                _LOG.error("component does not stop", component=task.get_name())
            elif not task.cancelled() and (error := task.exception()) is not None:
                _LOG.error("component failed", component=task.get_name(), error=repr(error), exc_info=error)
        self._tasks.clear()


async def _either(event: asyncio.Event, died: asyncio.Future[ComponentDied]) -> None:
    """Return when the event is set or the future is done."""
    waiting = asyncio.create_task(event.wait())
    both: set[asyncio.Future[Any]] = {waiting, died}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def run(components: Sequence[Component], *, on_ready: Callable[[], None] | None = None) -> int:
    """Run until SIGTERM, SIGINT or a death; the process's exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with Supervisor(components).running() as died:
            if on_ready is not None:
                on_ready()
            await _either(stop, died)
            if not died.done():
                return 0
            raise died.result()
    except ComponentDied as death:
        _LOG.error("process ends", reason=death.message, exc_info=death.__cause__ or death)
        return 1


async def unless_stopped(work: Awaitable[None]) -> bool:
    """Do what must end before the components start; False when SIGTERM or SIGINT came first.

    The first process of a container ignores signals that it has no handler for, so a wait
    without this would last until the platform kills it.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            return False
        task.result()
        return True
    finally:
        for one in (task, stopped):
            one.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def first_failure(*work: Coroutine[Any, Any, None]) -> None:
    """Run all until one fails or all are done, end the others, and pass the failure on.

    For work that is tried again. Not a `TaskGroup`: until Python 3.13 it keeps a cancellation
    to itself that comes at the moment one of its tasks fails, so that whoever tries again
    could not be stopped; and the failure leaves the caller marked as being cancelled.
    """
    tasks = [asyncio.create_task(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Background:
    """A component made of one coroutine function that is ready at once."""

    def __init__(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self._work = work

    async def run(self, ready: Callable[[], None]) -> None:
        """Signal ready, then work until cancelled."""
        ready()
        await self._work()


class BoundedQueue(Generic[T]):
    """A queue with a name, a limit and counters; it never grows past its limit.

    `offer` drops and counts when full (for sources that must never block); `put`
    waits, which pushes back on the source.
    """

    def __init__(self, *, name: str, limit: int, metrics: Metrics) -> None:
        self.name = name
        self.limit = limit
        self.dropped = 0
        self._items: asyncio.Queue[T] = asyncio.Queue(maxsize=limit)
        self._size = metrics.gauge(f"queue_{name}_size", f"items waiting in {name}")
        self._dropped = metrics.counter(f"queue_{name}_dropped", f"items dropped because {name} was full")

    def __len__(self) -> int:
        return self._items.qsize()

    def offer(self, item: T) -> bool:
        """Add the item, or count it as dropped and return False when full."""
        try:
            self._items.put_nowait(item)
        except asyncio.QueueFull:
            self.dropped += 1
            self._dropped.inc()
            return False
        self._size.set(len(self))
        return True

    async def put(self, item: T) -> None:
        """Add the item, waiting while the queue is full."""
        await self._items.put(item)
        self._size.set(len(self))

    async def get(self) -> T:
        """Take the oldest item, waiting for one."""
        item = await self._items.get()
        self._size.set(len(self))
        return item
