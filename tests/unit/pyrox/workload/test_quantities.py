"""Quantities."""

from __future__ import annotations

import pytest

from pyrox.workload.quantities import cores, mebibytes


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
