"""Supervision: order of start and stop, deaths, signals, bounded queues."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest

from pyrox import service
from pyrox.errors import Unavailable
from pyrox.metrics import Metrics
from pyrox.service import Background, BoundedQueue, ComponentDied, Supervisor, run, unless_stopped


class Part:
    """A component that notes what happens to it and ends as a test tells it."""

    def __init__(self, name: str, journal: list[str], *, ready: bool = True) -> None:
        self.name = name
        self.journal = journal
        self.say_ready = ready
        self.end = asyncio.Event()
        self.error: Exception | None = None

    async def run(self, ready: Callable[[], None]) -> None:
        self.journal.append(f"{self.name} starts")
        if self.say_ready:
            ready()
        try:
            await self.end.wait()
            if self.error is not None:
                raise self.error
        finally:
            self.journal.append(f"{self.name} ends")


@pytest.fixture
def journal() -> list[str]:
    return []


async def test_components_start_in_order_and_stop_in_reverse(journal: list[str]) -> None:
    parts = [Part(name, journal) for name in ("pool", "server", "front")]
    async with Supervisor(parts).running() as died:
        assert journal == ["pool starts", "server starts", "front starts"]
        assert not died.done()
    assert journal[3:] == ["front ends", "server ends", "pool ends"]


async def test_component_waits_until_the_one_before_is_ready(journal: list[str]) -> None:
    slow, next_one = Part("slow", journal, ready=False), Part("next", journal)
    supervisor = Supervisor([slow, next_one])

    async def whole() -> None:
        async with supervisor.running():
            journal.append("all ready")

    task = asyncio.create_task(whole())
    for _ in range(10):
        await asyncio.sleep(0)
    assert journal == ["slow starts"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journal == ["slow starts", "slow ends"]


async def test_component_that_fails_before_it_is_ready_stops_the_start(journal: list[str]) -> None:
    broken = Part("broken", journal, ready=False)
    broken.error = ValueError("no such port")
    broken.end.set()
    with pytest.raises(ComponentDied) as caught:
        async with Supervisor([Part("pool", journal), broken, Part("front", journal)]).running():
            journal.append("never")
    assert caught.value.message == "component broken ended by itself: ValueError: no such port"
    assert caught.value.__cause__ is broken.error
    assert journal == ["pool starts", "broken starts", "broken ends", "pool ends"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(None, "it returned"), (RuntimeError("lost"), "RuntimeError: lost"), (KeyError("k"), "KeyError: 'k'")],
)
async def test_death_of_a_component_is_told(journal: list[str], error: Exception | None, reason: str) -> None:
    part = Part("link", journal)
    part.error = error
    async with Supervisor([part, Part("other", journal)]).running() as died:
        part.end.set()
        death = await died
    assert death.message == f"component link ended by itself: {reason}"
    assert journal[-1] == "other ends"


async def test_first_death_counts_when_several_die(journal: list[str]) -> None:
    first, second = Part("first", journal), Part("second", journal)
    async with Supervisor([first, second]).running() as died:
        first.end.set()
        await died
        second.error = RuntimeError("later")
        second.end.set()
        await asyncio.sleep(0)
    assert died.result().message == "component first ended by itself: it returned"


def test_components_with_one_name_are_refused(journal: list[str]) -> None:
    async def refused() -> None:
        with pytest.raises(ValueError, match=r"component names repeat: \['a', 'a', 'b'\]"):
            Supervisor([Part("a", journal), Part("b", journal), Part("a", journal)])

    asyncio.run(refused())


async def test_component_that_does_not_stop_is_left_and_the_others_still_stop(
    journal: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STOP_SECONDS", 0.01)
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                journal.append("stubborn goes on")

    async with Supervisor([Part("pool", journal), Background("stubborn", stubborn)]).running():
        await asyncio.sleep(0)
    assert journal == ["pool starts", "stubborn goes on", "pool ends"]
    release.set()
    await asyncio.sleep(0)


async def test_error_while_stopping_does_not_keep_the_others(journal: list[str]) -> None:
    async def clumsy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("could not flush")

    async with Supervisor([Part("pool", journal), Background("clumsy", clumsy)]).running():
        await asyncio.sleep(0)
    assert journal == ["pool starts", "pool ends"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_run_ends_with_zero_on_a_signal(journal: list[str], number: signal.Signals) -> None:
    code = await run([Part("pool", journal)], on_ready=lambda: os.kill(os.getpid(), number))
    assert code == 0
    assert journal == ["pool starts", "pool ends"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_unless_stopped_gives_up_work_at_a_signal(number: signal.Signals) -> None:
    ended: list[str] = []

    async def endless() -> None:
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    assert not await unless_stopped(endless())
    assert ended == ["cleaned up"]


async def test_unless_stopped_passes_on_what_the_work_raises() -> None:
    async def failing() -> None:
        await asyncio.sleep(0)
        raise Unavailable("the database is away")

    with pytest.raises(Unavailable, match="the database is away"):
        await unless_stopped(failing())
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_unless_stopped_is_true_when_the_work_is_done() -> None:
    assert await unless_stopped(asyncio.sleep(0))


async def test_run_ends_with_one_when_a_component_dies(journal: list[str]) -> None:
    part = Part("link", journal)
    assert await run([Part("pool", journal), part], on_ready=part.end.set) == 1
    assert journal[-1] == "pool ends"


async def test_run_ends_with_one_when_a_component_never_gets_ready(journal: list[str]) -> None:
    part = Part("link", journal, ready=False)
    part.end.set()
    started: list[str] = []
    assert await run([part], on_ready=lambda: started.append("ready")) == 1
    assert started == []


async def test_background_is_ready_before_it_works(journal: list[str]) -> None:
    async def work() -> None:
        journal.append("works")

    await Background("job", work).run(lambda: journal.append("ready"))
    assert journal == ["ready", "works"]


def value(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name)


async def test_queue_offer_drops_and_counts_when_full() -> None:
    metrics = Metrics("sensor")
    queue: BoundedQueue[int] = BoundedQueue(name="flows", limit=2, metrics=metrics)
    assert [queue.offer(number) for number in range(4)] == [True, True, False, False]
    assert (len(queue), queue.dropped) == (2, 2)
    assert value(metrics, "rox_sensor_queue_flows_size") == 2
    assert value(metrics, "rox_sensor_queue_flows_dropped_total") == 2
    assert [await queue.get(), await queue.get()] == [0, 1]
    assert value(metrics, "rox_sensor_queue_flows_size") == 0
    assert queue.offer(9)


async def test_queue_put_waits_for_room_and_keeps_the_order() -> None:
    queue: BoundedQueue[int] = BoundedQueue(name="events", limit=1, metrics=Metrics("sensor"))
    await queue.put(1)
    waiting = asyncio.create_task(queue.put(2))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    assert await queue.get() == 1
    await waiting
    assert await queue.get() == 2
    assert queue.dropped == 0


async def test_queue_never_grows_past_its_limit_under_many_writers() -> None:
    queue: BoundedQueue[int] = BoundedQueue(name="events", limit=3, metrics=Metrics("sensor"))
    writers = [asyncio.create_task(queue.put(number)) for number in range(20)]
    sizes, got = [], []
    for _ in range(20):
        sizes.append(len(queue))
        got.append(await queue.get())
        await asyncio.sleep(0)
    await asyncio.gather(*writers)
    assert max(sizes) <= 3
    assert got == list(range(20))


async def test_first_failure_is_passed_on_and_the_others_end() -> None:
    ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fail() -> None:
        raise ValueError("the stream broke")

    async def finish() -> None:
        return

    with pytest.raises(ValueError, match="the stream broke"):
        await service.first_failure(wait(), finish(), fail())
    assert ended.is_set()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_first_failure_at_the_moment_of_a_cancellation_keeps_neither_to_itself() -> None:
    begun, rounds = asyncio.Event(), 0

    async def fail() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("the stream broke while it was ended")

    async def try_again() -> None:
        nonlocal rounds
        while rounds < 3:
            rounds += 1
            try:
                await service.first_failure(fail())
            except ValueError:
                continue

    task = asyncio.create_task(try_again())
    await begun.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=10)
    assert task.cancelled()
    assert rounds == 1


async def test_component_that_cancels_itself_is_a_death() -> None:
    go = asyncio.Event()

    async def work() -> None:
        await go.wait()
        raise asyncio.CancelledError

    async with Supervisor([Background("odd", work)]).running() as died:
        go.set()
        for _ in range(10):
            await asyncio.sleep(0)
        assert died.done()
        assert "component odd ended by itself: CancelledError" in died.result().message


async def test_components_that_are_cancelled_to_stop_are_no_death(journal: list[str]) -> None:
    async with Supervisor([Part("pool", journal), Part("front", journal)]).running() as died:
        await asyncio.sleep(0)
    assert not died.done()
