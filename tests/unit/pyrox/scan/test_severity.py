"""Scores of CVSS vectors, and words for severities."""

from __future__ import annotations

import pytest

from pyrox.scan import severity


@pytest.mark.parametrize(
    ("vector", "major", "base"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 3, 7.5),
        ("AV:N/AC:L/Au:N/C:N/I:N/A:P", 2, 5.0),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 4, 9.3),
    ],
)
def test_score_of_a_vector(vector: str, major: int, base: float) -> None:
    found = severity.score(vector)
    assert found == severity.Score(major, base, vector)


@pytest.mark.parametrize("vector", ["", "high", "CVSS:3.1/AV:X", "A" * 1000, "CVSS:4.0/"])
def test_score_of_no_vector_is_none(vector: str) -> None:
    assert severity.score(vector) is None


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, 1), (3.9, 1), (4.0, 2), (6.9, 2), (7.0, 3), (8.9, 3), (9.0, 4), (10.0, 4)]
)
def test_severity_of_a_score(value: float, expected: int) -> None:
    assert severity.from_score(value) == expected


def test_severity_of_words() -> None:
    assert [
        severity.from_word(w) for w in ("Negligible", "LOW", "medium", "important", "Critical", "what")
    ] == [1, 1, 2, 3, 4, 0]
    assert severity.is_word("High")
    assert not severity.is_word("CVSS:3.1/AV:N")
