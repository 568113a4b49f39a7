from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pyrox.metrics import Metrics
from pyrox.pb.storage.process_indicator_pb2 import ProcessSignal
from pyrox.service import BoundedQueue
from services.collector import events
from services.collector.events import Execution
from services.collector.ratelimit import RateLimit
from services.collector.signals import Signals
from services.collector.stats import Stats
from services.collector.stream import Pauses, Printer, Source
from tests.support.pki import FixedClock
from tests.support.waiting import until

ONE = Execution("c", 1, 0, 0, "sh", "/bin/sh", "-c id", (), 0)


@pytest.mark.parametrize(
    ("random", "expected"), [(0.0, [0.25, 0.5, 1, 2, 4, 5, 5]), (1.0, [0.5, 1, 2, 4, 8, 10, 10])]
)
def test_pauses_double_up_to_ten_seconds(random: float, expected: list[float]) -> None:
    pauses = Pauses(lambda: random)
    assert [pauses.next() for _ in range(7)] == expected


def test_pauses_after_a_stream_begin_anew() -> None:
    pauses = Pauses(lambda: 1.0)
    for _ in range(5):
        pauses.next()
    pauses.reset()
    assert pauses.next() == 0.5


async def test_printer_writes_what_runs_and_then_what_starts() -> None:
    stats, written = Stats(), list[ProcessSignal]()
    queue: BoundedQueue[Execution] = BoundedQueue(name="signals", limit=9, metrics=Metrics("collector"))
    signals = Signals(queue=queue, limit=RateLimit(), stats=stats, clock=FixedClock())
    source = Source(
        signals=signals,
        existing=lambda: [replace(ONE, pid=1, scraped=True)],
        to_signal=lambda execution: events.signal(execution, lambda: "id"),
    )
    signals.offer(replace(ONE, pid=2))
    task = asyncio.create_task(Printer(source=source, stats=stats, write=written.append).run(lambda: None))
    await until(lambda: len(written) == 2)
    task.cancel()
    assert [(signal.pid, signal.scraped) for signal in written] == [(1, True), (2, False)]
    assert (stats.scraped, stats.sent) == (1, 1)
