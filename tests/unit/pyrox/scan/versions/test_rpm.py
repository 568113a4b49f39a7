"""Rpm's order: the rules of rpm-version(7), real Red Hat versions, epochs and releases."""

from __future__ import annotations

import re

import pytest

from pyrox.scan.versions import InvalidVersion
from pyrox.scan.versions.rpm import Rpm, split, vercmp
from tests.unit.pyrox.scan.versions.orders import assert_ascending, assert_refused, assert_same

CHAINS = [
    [
        "1.0~rc1",
        "1.0~rc1^git1",
        "1.0",
        "1.0-",
        "1.0-1",
        "1.0-1.a",
        "1.0-1.1",
        "1.0^git1",
        "1.0.a",
        "1.0.1",
        "1:0.1",
    ],
    ["5.5p1", "5.5p2", "5.5p10"],
    # A word is older than a number, and shorter is older when all before is equal.
    ["1.0a", "1.0aa", "1.0b", "1.0.1"],
    ["xyz", "xyz.4", "8"],
    ["2.0.1", "2.0.1a", "2.0.1.1"],
    # Words compare by their bytes: capitals first.
    ["FC5", "fc4", "fc5"],
    # A tilde is below the end, a caret above it; each may stand more than once.
    ["1.0~~", "1.0~", "1.0~^1", "1.0", "1.0^", "1.0^1", "1.0^1^2", "1.01"],
    ["1.0~rc1~git123", "1.0~rc1", "1.0~rc1^20240101", "1.0"],
    # One kernel through minor releases of Red Hat Enterprise Linux.
    ["5.14.0-70.el9", "5.14.0-162.6.1.el9_1", "5.14.0-362.8.1.el9_3", "5.14.0-362.18.1.el9_3"],
    ["1.1.1k-7.el8", "1.1.1k-7.el8_6", "1:1.1.1g-15.el8_3", "1:1.1.1k-7.el8_6"],
]
SAME = [
    ["1.0", "0:1.0", "1_0", "1..0", ":1.0", "1.0.", "1+0"],
    ["1.1.ß", "1.1.ßß"],
    ["1.010", "1.10"],
    ["00001:1-1", "1:1-01"],
    ["1.0~.rc1", "1.0~rc1", "1.0.~rc1"],
    [" ", "\t", "_", ":", "0:"],
]


@pytest.mark.parametrize("chain", CHAINS)
def test_known_chain_every_pair_agrees(chain: list[str]) -> None:
    assert_ascending(Rpm(), chain)


@pytest.mark.parametrize("group", SAME)
def test_texts_of_one_version_share_place_and_key(group: list[str]) -> None:
    assert_same(Rpm(), group)


def test_empty_text_has_no_key() -> None:
    assert_refused(Rpm(), [""])


def test_epoch_of_absurd_length_is_refused() -> None:
    with pytest.raises(InvalidVersion, match=re.escape("epoch")):
        Rpm().key("1" * 300 + ":1")


@pytest.mark.parametrize(
    ("evr", "parts"),
    [
        ("1.0", ("0", "1.0", None)),
        ("1.0-1", ("0", "1.0", "1")),
        ("3:1.0-1", ("3", "1.0", "1")),
        (":1.0-", ("0", "1.0", "")),
        ("1.0-rc-1", ("0", "1.0-rc", "1")),
        ("a:1.0", ("0", "a:1.0", None)),
    ],
)
def test_split_takes_a_numeric_epoch_and_the_last_dash(evr: str, parts: tuple[str, str, str | None]) -> None:
    assert split(evr) == parts


@pytest.mark.parametrize(
    ("a", "b", "order"),
    [
        ("", "", 0),
        ("", "1", -1),
        ("", "~", 1),
        ("", "^", -1),
        (".", "", 0),
        ("^", "~", 1),
        ("^", "1", -1),
        ("^", "a", -1),
        ("1a", "1~", 1),
        ("10", "9", 1),
        ("a1", "a", 1),
    ],
)
def test_vercmp_of_edges_is_antisymmetric(a: str, b: str, order: int) -> None:
    assert (vercmp(a, b), vercmp(b, a)) == (order, -order)
