"""Quantities."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pyrox.workload.quantities import cores, mebibytes, parse


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("250m", 0.25),
        ("1", 1.0),
        (2, 2.0),
        ("0.0001", 0.001),
        ("1e3", 1000.0),
        ("x", 0.0),
        (None, 0.0),
        (True, 0.0),
        ("9" * 99, 0.0),
    ],
)
def test_cores_text_gives_number(value: object, expected: float) -> None:
    assert cores(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("1Gi", 1024.0), ("1048576", 1.0), ("128M", 122.0703125), ("1.5Mi", 1.5)]
)
def test_mebibytes_text_gives_number(value: str, expected: float) -> None:
    assert mebibytes(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", "0"),
        ("1n", "1e-9"),
        ("1u", "0.000001"),
        ("1m", "0.001"),
        ("1k", "1000"),
        ("1M", "1000000"),
        ("1G", "1e9"),
        ("1T", "1e12"),
        ("1P", "1e15"),
        ("1E", "1e18"),
        ("1Ki", "1024"),
        ("1Mi", "1048576"),
        ("1Gi", "1073741824"),
        ("1Ti", "1099511627776"),
        ("1Pi", "1125899906842624"),
        ("1Ei", "1152921504606846976"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("1e-3", "0.001"),
        ("+1.5", "1.5"),
        ("-2k", "-2000"),
        ("1.", "1"),
        (".5", "0.5"),
        (0.25, "0.25"),
        (3, "3"),
    ],
)
def test_parse_reads_the_grammar_of_kubernetes(value: object, expected: str) -> None:
    assert parse(value) == Decimal(expected)


@pytest.mark.parametrize(
    "value",
    [
        *["", ".", "+", "1K", "1ki", "1mi", "1 k", " 1", "1\n", "1e", "1e3k", "0x1", "1_0", "1,5", "1g"],
        *["\u0661", "nan", "inf", [], {}, False],
    ],
)
def test_parse_of_anything_else_is_zero(value: object) -> None:
    assert parse(value) == 0


def test_numbers_are_rounded_up_as_kubernetes_does() -> None:
    assert (cores("1n"), cores("1.0001"), cores("-1.0001")) == (0.001, 1.001, -1.0)
    assert mebibytes("1m") == 1 / 1048576


def test_absurd_numbers_stay_numbers() -> None:
    for value in ("9" * 30 + "E", "1e99", "-1e99", "1e-99", 10**29, 1e300, float("nan"), float("inf")):
        assert abs(cores(value)) < float("inf")
        assert abs(mebibytes(value)) < float("inf")
