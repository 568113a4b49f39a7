from __future__ import annotations

from dataclasses import replace

from services.collector.events import Execution
from services.collector.ratelimit import RateLimit

ONE = Execution("c", 1, 0, 0, "sh", "/bin/sh", "-c id", (), 0)


def allowed(limit: RateLimit, execution: Execution, times: int, now: float = 0.0) -> int:
    return sum(limit.allow(execution, now) for _ in range(times))


def test_rate_limit_lets_ten_equal_processes_through() -> None:
    assert allowed(RateLimit(), ONE, 15) == 10


def test_rate_limit_after_half_an_hour_lets_ten_more_through() -> None:
    limit = RateLimit()
    allowed(limit, ONE, 15)
    assert allowed(limit, ONE, 15, now=1799.0) == 0
    assert allowed(limit, ONE, 15, now=1800.0) == 10


def test_rate_limit_any_part_of_the_key_makes_another_process() -> None:
    limit = RateLimit()
    allowed(limit, ONE, 10)
    for change in ({"container": "d"}, {"name": "bash"}, {"path": "/sh"}, {"arguments": "-c w"}):
        assert limit.allow(replace(ONE, **change), 0.0), change  # type: ignore[arg-type]  # names are fields
    assert not limit.allow(replace(ONE, pid=2, uid=5), 0.0)


def test_rate_limit_arguments_count_up_to_256_characters() -> None:
    limit = RateLimit()
    long = "x" * 256
    assert sum(limit.allow(replace(ONE, arguments=f"{long}{n}"), 0.0) for n in range(20)) == 10
    assert limit.allow(replace(ONE, arguments=long[:-1] + "y"), 0.0)


def test_rate_limit_too_many_keys_forgets_all_and_counts_it() -> None:
    limit = RateLimit()
    allowed(limit, ONE, 15)
    for number in range(4095):
        limit.allow(replace(ONE, arguments=str(number)), 0.0)
    assert (len(limit), limit.flushes) == (4096, 0)
    assert not limit.allow(ONE, 0.0)
    limit.allow(replace(ONE, arguments="one more"), 0.0)
    assert (len(limit), limit.flushes) == (1, 1)
    assert limit.allow(ONE, 0.0)
