"""Pauses between attempts."""

from __future__ import annotations

from datetime import timedelta

from services.sensor.link.backoff import Backoff


def made(random: float) -> Backoff:
    return Backoff(timedelta(seconds=10), timedelta(minutes=5), lambda: random)


def test_backoff_grows_by_half_to_the_ceiling() -> None:
    backoff = made(0.5)
    pauses = [backoff.next() for _ in range(12)]
    assert pauses[:4] == [10.0, 15.0, 22.5, 33.75]
    assert pauses[-1] == 300.0


def test_backoff_spreads_by_half_either_way() -> None:
    assert (made(0.0).next(), made(1.0).next()) == (5.0, 15.0)


def test_backoff_success_starts_over() -> None:
    backoff = made(0.5)
    backoff.next()
    backoff.next()
    backoff.reset()
    assert backoff.next() == 10.0
