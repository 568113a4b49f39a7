"""Which processes are news."""

from __future__ import annotations

from services.sensor.runtime.processfilter import FilterLimits, ProcessFilter


def test_admit_same_process_passes_five_times() -> None:
    made = ProcessFilter()
    assert [made.admit("d", "c", "/bin/sh", "-c id") for _ in range(6)] == [True] * 5 + [False]
    assert made.admit("d", "other", "/bin/sh", "-c id")


def test_admit_arguments_fan_out_is_bounded_per_level() -> None:
    made = ProcessFilter(FilterLimits(exact_matches=1, fan_out=(2, 1), programs=10))
    assert made.admit("d", "c", "/a", "x 1")
    assert made.admit("d", "c", "/a", "y 1")
    assert not made.admit("d", "c", "/a", "z 1")
    assert not made.admit("d", "c", "/a", "x 2")


def test_admit_arguments_beyond_the_levels_are_not_told_apart() -> None:
    made = ProcessFilter(FilterLimits(exact_matches=1, fan_out=(2,), programs=10))
    assert made.admit("d", "c", "/a", "x 1")
    assert not made.admit("d", "c", "/a", "x 2")


def test_admit_programs_of_a_container_are_bounded() -> None:
    made = ProcessFilter(FilterLimits(programs=2))
    assert [made.admit("d", "c", f"/p{number}", "") for number in range(3)] == [True, True, False]


def test_forget_deployment_starts_over() -> None:
    made = ProcessFilter(FilterLimits(exact_matches=1))
    assert made.admit("d", "c", "/a", "")
    assert not made.admit("d", "c", "/a", "")
    made.forget_deployment("d")
    assert made.admit("d", "c", "/a", "")


def test_admit_long_texts_are_told_apart() -> None:
    admitted = ProcessFilter()
    paths = ["/" + "x" * 5000 + end for end in "ab"]
    assert [admitted.admit("d", "c", path, "y" * 5000) for path in paths * 6] == [True] * 10 + [False] * 2
