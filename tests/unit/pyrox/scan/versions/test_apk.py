"""Alpine's order: suffixes, letters, commits and revisions in the tool's places."""

from __future__ import annotations

import pytest

from pyrox.scan.versions.apk import Apk
from tests.unit.pyrox.scan.versions.orders import assert_ascending, assert_refused, assert_same, outcome

CHAINS = [
    [
        "1.2_alpha",
        "1.2_alpha2",
        "1.2_beta",
        "1.2_rc1",
        "1.2",
        "1.2-r0",
        "1.2-r1",
        "1.2~abc",
        "1.2_cvs",
        "1.2_p",
        "1.2_p1",
        "1.2a",
        "1.2a_p1",
        "1.2a1",
        "1.2a2",
        "1.2.0",
        "1.2.00",
        "1.2.01",
        "1.2.1",
        "1.2.10",
        "1.10",
    ],
    [f"1_{word}" for word in ("alpha", "beta", "pre", "rc")] + ["1"],
    ["1", *(f"1_{word}" for word in ("cvs", "svn", "git", "hg", "p"))],
    # The package's own releases of one upstream version, and the next upstream letter.
    ["1.1.1t-r0", "1.1.1t-r1", "1.1.1t-r10", "1.1.1u-r0", "1.1.1w-r1", "3.0.8-r0"],
    ["1.36.1-r2", "1.36.1-r15", "1.36.10-r0"],
    # A part with a leading zero is compared as text, digit by digit.
    ["0.01", "0.011", "0.02", "0.1", "0.2", "0.10"],
    ["20230101", "20230101_git20230102", "20230201"],
    ["1.0_rc1_git1", "1.0_rc1_p1", "1.0"],
]
SAME = [["1.0-r01", "1.0-r1"], ["01.2", "1.2"], ["1_rc01", "1_rc1"]]
REFUSED = [
    "",
    "a1",
    "1.0foo",
    "1._1",
    "1.0_bad",
    "1.0-1",
    "1-r1-r2",
    "1~g",
    "1-r1~a",
    "1a.1",
    "v1",
    "1.",
    "1.0_",
]


@pytest.mark.parametrize("chain", CHAINS)
def test_known_chain_every_pair_agrees(chain: list[str]) -> None:
    assert_ascending(Apk(), chain)


@pytest.mark.parametrize("group", SAME)
def test_texts_of_one_version_share_place_and_key(group: list[str]) -> None:
    assert_same(Apk(), group)


def test_text_outside_the_grammar_has_no_key() -> None:
    assert_refused(Apk(), REFUSED)


def test_comparator_places_broken_text_below_its_beginning() -> None:
    assert Apk().compare("1.0.foo", "1.0") == -1
    assert Apk().compare("1.0_rc1", "1.0.foo") == -1
    assert Apk().compare("1.0.foo", "1.0.bar") == 0


def test_comparator_refuses_a_text_that_begins_with_no_digit() -> None:
    assert outcome(Apk().compare, "edge", "1") is None
    assert outcome(Apk().compare, "1", "") is None
