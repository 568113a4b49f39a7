"""Composer's order: PHP's special forms, four numbers, branches."""

from __future__ import annotations

import pytest

from pyrox.scan.versions.composer import Composer, parts
from tests.unit.pyrox.scan.versions.orders import assert_ascending, assert_refused, assert_same

CHAINS = [
    [
        "1.0-foo",
        "1.0-dev",
        "1.0-alpha1",
        "1.0b1",
        "1.0-RC1",
        "1.0",
        "1.0-pl1",
        "1.0.1",
        "v1.1.0",
        "1.1.x-dev",
    ],
    # PHP's manual: anything else < dev < alpha < beta < RC < a number < pl.
    ["1-foo", "1-dev", "1-alpha", "1-beta", "1-rc", "1", "1-pl", "1.0.0.1", "1.0.1"],
    ["2.0.0-alpha1", "2.0.0-alpha2", "2.0.0-alpha10", "2.0.0-beta.1", "2.0.0-RC1", "2.0.0"],
    ["v5.4.0-BETA1", "v5.4.0-RC1", "v5.4.0", "v5.4.20", "5.4.x-dev", "v6.0.0"],
    ["1.0.0-patch1", "1.0.0-p2"],
]
SAME = [
    ["1.0", "v1.0.0", "1.0.0.0", "1.0-stable", "1.0@dev", "1.0+build", " 1 "],
    ["1.0b1", "1.0-beta1", "1.0.0-BETA.1"],
    ["1.0a2", "1.0-alpha2"],
    ["1.0rc", "1.0-RC"],
    ["1.0.0-p1", "1.0.0-pl1", "1.0.0-patch1"],
    ["1.x-dev", "1.*-dev", "v1.X-dev"],
]


@pytest.mark.parametrize("chain", CHAINS)
def test_known_chain_every_pair_agrees(chain: list[str]) -> None:
    assert_ascending(Composer(), chain)


@pytest.mark.parametrize("group", SAME)
def test_texts_of_one_version_share_place_and_key(group: list[str]) -> None:
    assert_same(Composer(), group)


def test_branch_and_empty_text_have_no_key() -> None:
    assert_refused(
        Composer(), ["", "dev-main", "master", "trunk", "default", "-", "dev-1.0", "DEV-x", "@dev", "stable"]
    )


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("1.x-dev", [1, 9999999, 9999999, 9999999]), ("1.2.x-dev", [1, 2, 9999999, 9999999])],
)
def test_open_branch_stands_above_every_release_of_its_line(version: str, numbers: list[int]) -> None:
    assert [number for _, number in parts(version)][:4] == numbers
    assert Composer().compare(version, "1.2.999") == 1
    assert Composer().compare(version, "2.0-dev") == -1
