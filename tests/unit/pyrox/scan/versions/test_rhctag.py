"""Container tags: minor releases first, then rpm's order; times of builds as versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrox.scan.versions.rhctag import RhcTag, numbers
from tests.unit.pyrox.scan.versions.orders import (
    assert_ascending,
    assert_refused,
    assert_same,
    by_keys,
    outcome,
)

SCHEME = RhcTag()


def test_chain_of_tags_ascends() -> None:
    chain = [
        "4.6",
        "v4.6.0-202112140546.p0.g8b9da97.assembly.stream",
        "4.6-1",
        "4.7",
        "v4.7.0-202112140553.p0.g091bb99.assembly.stream",
        "v4.7.0-202212140553.p0",
        "4.7-140.49a6fcf.release_4.7",
        "4.7-141",
        "4.8-167.9a9db5f.release_4.8",
        "4.10-2",
        "1744596866",
        "1744596867",
    ]
    assert_ascending(SCHEME, chain)
    assert len(chain) == 12


def test_bare_tags_are_the_least_of_their_minor_release() -> None:
    assert_same(SCHEME, ["4.7", "v4.7", "4.07"])
    assert SCHEME.compare("4.7", "4.7.0-1") == -1


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("7.6-22", (7, 6)),
        ("v4.12.0-2023", (4, 12)),
        ("8-1", (8, 0)),
        ("1.2rc1-3", (1, 0)),
        ("1a-3", None),
        ("1744596866", (1744596866, 0)),
    ],
)
def test_numbers_of_a_tag(tag: str, expected: tuple[int, int] | None) -> None:
    assert outcome(numbers, tag) == expected


def test_tags_without_a_number_are_refused() -> None:
    assert_refused(SCHEME, ["", "latest", "v", "a4.5-1", "4a.5", "1" * 30])
    assert outcome(SCHEME.key, "latest") is None


@given(st.from_regex(r"v?[0-9]{1,3}(\.[0-9]{1,2}){0,2}(-[a-z0-9.]{1,6})?", fullmatch=True),
       st.from_regex(r"v?[0-9]{1,3}(\.[0-9]{1,2}){0,2}(-[a-z0-9.]{1,6})?", fullmatch=True))  # fmt: skip
def test_keys_agree_with_the_comparator(a: str, b: str) -> None:
    assert outcome(SCHEME.compare, a, b) == by_keys(SCHEME, a, b)
