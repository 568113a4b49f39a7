"""RubyGems' order: pre-releases by a letter, platform dashes, trailing zeros."""

from __future__ import annotations

import pytest

from pyrox.scan.versions.gem import Gem, segments
from tests.unit.pyrox.scan.versions.orders import assert_ascending, assert_refused, assert_same

CHAINS = [
    ["1.a", "1.a.1", "1.b1", "1.b2", "1", "1.0.1", "1.1.rc1", "1.1", "1.10", "2.0.0-1", "2"],
    # The manual's example of pre-releases before their release.
    ["1.0.a", "1.0.a.2", "1.0.a10", "1.0.b1", "1.0.rc1", "1.0"],
    ["6.1.7", "6.1.7.1", "6.1.7.10", "7.0.0.alpha2", "7.0.0.beta1", "7.0.0.rc1", "7.0.0", "7.0.0.1"],
    ["0.beta.1", "0", "0.0.1"],
    ["1.A", "1.a"],
]
SAME = [
    ["1", "1.0", "1.0.0", " 1.0 ", "01"],
    ["1-a", "1.pre.a"],
    ["", "0", "  "],
    ["0.beta.1", "0.0.beta.1"],
    ["1.b1", "1.b.1"],
    ["1.rc.0", "1.rc"],
]


@pytest.mark.parametrize("chain", CHAINS)
def test_known_chain_every_pair_agrees(chain: list[str]) -> None:
    assert_ascending(Gem(), chain)


@pytest.mark.parametrize("group", SAME)
def test_texts_of_one_version_share_place_and_key(group: list[str]) -> None:
    assert_same(Gem(), group)


def test_text_outside_the_grammar_has_no_key() -> None:
    assert_refused(Gem(), ["1..2", "x", "1\u0660", ".1", "1.", "1 2", "1-", "1_2", "1\x00"])


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.2.0", [1, 2]),
        ("1.0.b1.0", [1, "b", 1]),
        ("2.0.0-x86-linux", [2, "pre", "x", 86, "pre", "linux"]),
        ("0", []),
        ("1.0.0.a10", [1, "a", 10]),
    ],
)
def test_segments_are_runs_without_trailing_zeros(version: str, expected: list[int | str]) -> None:
    assert segments(version) == expected
