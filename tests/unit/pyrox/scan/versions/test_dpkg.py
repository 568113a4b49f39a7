"""Debian's order: the examples of its manual, real Debian and Ubuntu versions, refusals."""

from __future__ import annotations

import pytest

from pyrox.scan.versions import InvalidVersion
from pyrox.scan.versions.dpkg import Dpkg, split
from tests.unit.pyrox.scan.versions.orders import assert_ascending, assert_refused, assert_same

CHAINS = [
    [
        "1.0~~",
        "1.0~~a",
        "1.0~",
        "1.0",
        "1.0-1~bpo1",
        "1.0-1",
        "1.0-1+b1",
        "1.0-1.1",
        "1.0a",
        "1.0+dfsg",
        "1.0.1",
        "1.0.10",
        "1:0",
        "2:0-0",
    ],
    # Debian policy 5.6.12: a tilde sorts before everything, even the end of a part.
    ["~~", "~~a", "~", "0", "0a"],
    ["1.0~beta1~svn1245", "1.0~beta1", "1.0"],
    # Stable, security, binary-only rebuilds and backports of one package.
    [
        "3.0.11-1~bpo11+1",
        "3.0.11-1~deb11u1",
        "3.0.11-1~deb12u1",
        "3.0.11-1~deb12u2",
        "3.0.11-1~deb12u10",
        "3.0.11-1",
        "3.0.11-1+b1",
        "3.0.11-1.1",
        "3.0.11-2",
    ],
    # Ubuntu's changes, stable updates, and a PPA's version below them.
    [
        "2.35-0ubuntu3~ppa1",
        "2.35-0ubuntu3",
        "2.35-0ubuntu3.1",
        "2.35-0ubuntu3.10",
        "2.35-0ubuntu4",
        "2.35-1",
        "2.35-1build1",
        "2.35-1ubuntu1",
    ],
    # Letters sort before all other characters, and these by their codes.
    ["1A", "1Z", "1a", "1z", "1+", "1."],
    # What dpkg only warns of: bytes above 7F are above the letters, below all else.
    ["1z", "1é", "1é1", "1ü", "1漢", "1!", "1+", "1="],
    ["1-1", "1--1", "-1-1"],
]
SAME = [
    ["1.0", "0:1.0", "1.0-0", "+0:1.0", "-0:1.0"],
    ["1.a", "1.a0"],
    ["01", "1"],
    ["1.0", " 1.0\n", "\t1.0\v\f\r"],
    ["1.00-01", "1.0-1"],
    ["00:1", "1"],
    ["1:1", "+1:1"],
]


@pytest.mark.parametrize("chain", CHAINS)
def test_known_chain_every_pair_agrees(chain: list[str]) -> None:

    assert_ascending(Dpkg(), chain)


@pytest.mark.parametrize("group", SAME)
def test_texts_of_one_version_share_place_and_key(group: list[str]) -> None:
    assert_same(Dpkg(), group)


def test_text_that_dpkg_refuses_has_no_key() -> None:
    empty = ["", " ", "1.0-", "1:1.0-", "-1", "1:", ":1", "1:-1"]
    epochs = ["a:1", "99999999999:1", "2147483648:1", "-1:1", "+:1", "1a:1", "++1:1", "1.5:1", "é:1"]
    assert_refused(Dpkg(), [*empty, *epochs, "1 2", "1\n2", "1\x00"])


@pytest.mark.parametrize(
    ("version", "parts"),
    [
        ("1.0", (0, "1.0", "")),
        ("2:1.0-1", (2, "1.0", "1")),
        ("1:1.0-rc1-2", (1, "1.0-rc1", "2")),
        ("1:2:3-4", (1, "2:3", "4")),
        ("2147483647:1", (2147483647, "1", "")),
        ("é-1", (0, "\u00c3\u00a9", "1")),
    ],
)
def test_split_takes_the_first_colon_and_the_last_dash(version: str, parts: tuple[int, str, str]) -> None:
    assert split(version) == parts


def test_epoch_beyond_dpkgs_integer_is_refused_by_name() -> None:
    with pytest.raises(InvalidVersion, match="'2147483648:1': the epoch is not a number that dpkg accepts"):
        split("2147483648:1")
