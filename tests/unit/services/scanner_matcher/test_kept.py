"""What is kept: what is in use survives, the whole stays within its bound."""

from __future__ import annotations

from services.scanner_matcher.kept import Kept


def test_values_that_are_there_come_back_and_the_others_are_named() -> None:
    kept = Kept[str, bytes](100, len)
    kept.keep([("a", b"1"), ("b", b"22")])
    assert kept.take(["a", "b", "c"]) == ({"a": b"1", "b": b"22"}, ["c"])


def test_what_is_asked_for_survives_what_is_not_goes() -> None:
    kept = Kept[int, bytes](100, len)
    kept.keep([(0, b"x" * 10)])
    for number in range(1, 50):
        kept.keep([(number, b"x" * 10)])
        assert kept.take([0]) == ({0: b"x" * 10}, [])
    assert kept.take([1]) == ({}, [1])


def test_kept_values_stay_within_the_bound() -> None:
    kept = Kept[int, bytes](100, len)
    most = 0
    for number in range(1000):
        kept.keep([(number, b"x" * 10)])
        most = max(most, len(kept))
    assert most <= 11


def test_value_is_weighed_once() -> None:
    weighed: list[bytes] = []

    def weigh(value: bytes) -> int:
        weighed.append(value)
        return len(value)

    kept = Kept[int, bytes](1000, weigh)
    kept.keep([(1, b"x"), (1, b"x")])
    assert (weighed, len(kept)) == ([b"x"], 1)
