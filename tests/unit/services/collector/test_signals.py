from __future__ import annotations

from dataclasses import replace

from pyrox.metrics import Metrics
from pyrox.service import BoundedQueue
from services.collector.events import Execution
from services.collector.ratelimit import RateLimit
from services.collector.signals import Signals
from services.collector.stats import Stats
from tests.support.pki import FixedClock

ONE = Execution("c", 1, 0, 0, "sh", "/bin/sh", "-c id", (), 0)


def made(limit: int) -> tuple[Signals, Stats]:
    stats = Stats()
    queue: BoundedQueue[Execution] = BoundedQueue(name="signals", limit=limit, metrics=Metrics("collector"))
    return Signals(queue=queue, limit=RateLimit(), stats=stats, clock=FixedClock()), stats


async def test_signals_come_out_in_the_order_they_were_offered() -> None:
    signals, stats = made(10)
    for pid in (1, 2, 3):
        signals.offer(replace(ONE, pid=pid))
    assert [(await signals.take()).pid for _ in range(3)] == [1, 2, 3]
    assert (stats.rate_limited, stats.send_failures) == (0, 0)


async def test_signals_full_queue_drops_the_newest_and_counts_it() -> None:
    signals, stats = made(2)
    for number in range(5):
        signals.offer(replace(ONE, arguments=str(number)))
    assert (len(signals), stats.send_failures) == (2, 3)
    assert (await signals.take()).arguments == "0"


async def test_signals_equal_processes_are_limited_and_counted() -> None:
    signals, stats = made(100)
    for _ in range(12):
        signals.offer(ONE)
    assert (len(signals), stats.rate_limited, stats.send_failures) == (10, 2, 0)


async def test_signals_hold_a_process_from_offer_to_take() -> None:
    signals, _ = made(100)
    assert not signals.holds(ONE)
    signals.offer(ONE)
    signals.offer(ONE)
    signals.offer(replace(ONE, path="/bin/bash"))
    assert signals.holds(replace(ONE, arguments="of /proc", scraped=True))
    assert not signals.holds(replace(ONE, pid=2))
    await signals.take()
    assert signals.holds(ONE)
    await signals.take()
    assert not signals.holds(ONE)
    assert signals.holds(replace(ONE, path="/bin/bash"))


async def test_signals_dropped_process_is_not_held() -> None:
    signals, _ = made(1)
    signals.offer(replace(ONE, pid=7))
    signals.offer(ONE)
    assert not signals.holds(ONE)
