from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from services.collector.events import Execution
from services.collector.loader import Counters
from services.collector.stats import Stats
from services.collector.watch import Kernel, Watch
from tests.support.fake_probe import FakeProbe, record
from tests.support.pki import FixedClock
from tests.support.waiting import until


@pytest.fixture
def probe() -> Iterator[FakeProbe]:
    made = FakeProbe()
    yield made
    made.end()


class Watched:
    """A watch on a probe of the test, and what it handed on."""

    def __init__(self, probe: FakeProbe) -> None:
        self.told: list[Execution] = []
        self.stats = Stats()
        self.clock = FixedClock()
        self.watch = Watch(
            kernel=Kernel(probe.open, lambda: 1_000, 4096),
            sink=self.told.append,
            stats=self.stats,
            clock=self.clock,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        ready = asyncio.Event()
        task = asyncio.create_task(self.watch.run(ready.set))
        await ready.wait()
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_watch_records_reach_the_sink_in_order(probe: FakeProbe) -> None:
    watched = Watched(probe)
    async with watched.running():
        assert watched.stats.problem == ""
        probe.put(record(pid=1), record(pid=2), record(group="user.slice"))
        await until(lambda: watched.stats.received == 3)
    assert [execution.pid for execution in watched.told] == [1, 2]
    assert watched.told[0].nanoseconds == 5_000_001_000
    assert (probe.opened, probe.closed, probe.ring_bytes) == (1, 1, 4096)


async def test_watch_more_than_a_batch_is_read_in_several_turns(probe: FakeProbe) -> None:
    watched = Watched(probe)
    async with watched.running():
        probe.put(*(record(pid=number) for number in range(1, 1001)))
        await until(lambda: watched.stats.received == 1000)
    assert [execution.pid for execution in watched.told] == list(range(1, 1001))


async def test_watch_malformed_record_is_counted_and_the_next_one_read(probe: FakeProbe) -> None:
    watched = Watched(probe)
    async with watched.running():
        probe.put(b"garbage", record(path_bytes=99_999), record(pid=3))
        await until(lambda: watched.told)
    assert watched.stats.malformed == 2
    assert [execution.pid for execution in watched.told] == [3]


async def test_watch_kernel_that_refuses_is_told_and_tried_again(probe: FakeProbe) -> None:
    probe.refuse = "no BTF"
    watched = Watched(probe)
    async with watched.running():
        assert watched.stats.problem == "no BTF"
        probe.refuse = ""
        await until(lambda: probe.opened == 1)
        await until(lambda: watched.stats.problem == "")
        probe.put(record())
        await until(lambda: watched.told)
    assert set(watched.clock.slept) == {60.0}


async def test_watch_ring_that_breaks_is_opened_anew(probe: FakeProbe) -> None:
    watched = Watched(probe)
    async with watched.running():
        probe.broken = "reading the ring buffer: bad"
        probe.put(record())
        await until(lambda: probe.closed)
        probe.broken = ""
        await until(lambda: watched.told)
    assert probe.opened >= 2
    assert probe.closed == probe.opened


async def test_watch_refresh_takes_the_kernel_s_counts(probe: FakeProbe) -> None:
    watched = Watched(probe)
    watched.watch.refresh()
    assert watched.stats.kernel == Counters()
    async with watched.running():
        probe.count = Counters(sent=5, lost=2, outside=7)
        watched.watch.refresh()
        assert watched.stats.kernel == Counters(5, 2, 7)
    assert watched.stats.kernel == Counters(5, 2, 7)
