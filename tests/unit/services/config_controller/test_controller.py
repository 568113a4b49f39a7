from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

from pyrox.errors import Unavailable
from pyrox.k8s.watch import Change, Sink
from services.config_controller.controller import Controller
from services.config_controller.reconcile import Outcome
from services.config_controller.view import View
from tests.support.pki import FixedClock
from tests.support.waiting import until


class Watch:
    """Resources as the test tells of them."""

    def __init__(self, sink: Sink) -> None:
        self.tell = sink
        self.ready: Callable[[], None] = lambda: None

    async def run(self, ready: Callable[[], None]) -> None:
        self.ready = ready
        await asyncio.Event().wait()


class Reconciler:
    """Notes when it was asked; answers as the test says, first answers first."""

    def __init__(self, clock: FixedClock, *answers: Outcome | Unavailable) -> None:
        self._clock = clock
        self._answers = list(answers)
        self.asked: list[tuple[str, float]] = []

    async def reconcile(self, name: str) -> Outcome:
        self.asked.append((name, self._clock.monotonic()))
        answer = self._answers.pop(0) if self._answers else Outcome.PARKED
        if isinstance(answer, Unavailable):
            raise answer
        return answer


class Site:
    def __init__(self, *answers: Outcome | Unavailable) -> None:
        clock = FixedClock()
        self.began = clock.monotonic()
        self.reconciler = Reconciler(clock, *answers)
        self.watches: list[Watch] = []

        def watch(sink: Sink) -> Watch:
            self.watches.append(Watch(sink))
            return self.watches[-1]

        self.controller = Controller(
            watch=watch,
            view=View(),
            reconciler=self.reconciler,
            interval=timedelta(minutes=30),
            jitter=lambda: 0.0,
            clock=clock,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Watch]:
        ready = asyncio.Event()
        task = asyncio.create_task(self.controller.run(ready.set))
        await ready.wait()
        await asyncio.sleep(0)
        try:
            yield self.watches[0]
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def times(self, count: int) -> list[float]:
        """Seconds from the start to each of the first calls."""
        await until(lambda: len(self.reconciler.asked) >= count)
        return [moment - self.began for _, moment in self.reconciler.asked[:count]]


def resource(name: str, generation: int = 1) -> dict[str, Any]:
    metadata = {"name": name, "uid": name, "generation": generation}
    return {"metadata": metadata, "spec": {"policyName": name}}


async def test_nothing_is_reconciled_before_all_resources_are_known() -> None:
    site = Site()
    async with site.running() as watch:
        await watch.tell(Change.SYNC, resource("a"))
        for _ in range(5):
            await asyncio.sleep(0)
        assert site.reconciler.asked == []
        assert not site.controller.listed
        watch.ready()
        assert await site.times(1) == [0]
        assert site.controller.listed


async def test_settled_resource_is_looked_at_again_after_the_interval() -> None:
    site = Site(Outcome.SETTLED, Outcome.PARKED)
    async with site.running() as watch:
        watch.ready()
        await watch.tell(Change.ADDED, resource("a"))
        assert await site.times(2) == [0, 1800]
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(site.reconciler.asked) == 2


async def test_failure_is_tried_again_after_pauses_that_grow_to_a_minute() -> None:
    site = Site(*(Unavailable("away") for _ in range(9)))
    async with site.running() as watch:
        watch.ready()
        await watch.tell(Change.ADDED, resource("a"))
        times = await site.times(10)
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


async def test_change_is_looked_at_at_once_and_begins_the_pauses_anew() -> None:
    site = Site(Unavailable("away"), Unavailable("away"), Outcome.PARKED, Unavailable("away"))
    async with site.running() as watch:
        watch.ready()
        await watch.tell(Change.ADDED, resource("a"))
        times = await site.times(3)
        await watch.tell(Change.MODIFIED, resource("a", generation=2))
        times = await site.times(5)
    assert times == [0, 0.5, 1.5, 1.5, 2]


async def test_one_that_fails_does_not_keep_the_others_waiting() -> None:
    site = Site(Unavailable("away"))
    async with site.running() as watch:
        watch.ready()
        await watch.tell(Change.ADDED, resource("bad"))
        await watch.tell(Change.ADDED, resource("good"))
        times = await site.times(3)
    assert [name for name, _ in site.reconciler.asked] == ["bad", "good", "bad"]
    assert times == [0, 0, 0.5]
