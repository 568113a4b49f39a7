"""Composer's order: PHP's special forms, four numbers, branches."""

from __future__ import annotations

import pytest

from pyrox.scan.versions import InvalidVersion
from pyrox.scan.versions.composer import Composer, normalize, parts
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
    ["1.0.0-patch1", "1.0.0-p2", "1.0.0-patch2.1", "1.0.0-pl3-1"],
    # Dates keep as many numbers as they have.
    ["20240101", "20240101-0", "20240101.1", "20240102-beta2", "20240102"],
    ["1.0.0.0", "12345.0", "123456.x-dev"],
    # What Composer refuses stands where PHP alone would put it.
    ["3.0.0b2", "3.0.0b2.post1", "3.0.0", "3.0.0.0.1"],
    ["1.0-STABLE", "1.0-alpha", "1.0-stable"],
]
SAME = [
    ["1.0", "v1.0.0", "1.0.0.0", "1.0-stable", "1.0@dev", "1.0+build", " 1 "],
    ["1.0b1", "1.0-beta1", "1.0.0-BETA.1"],
    ["1.0a2", "1.0-alpha2"],
    ["1.0rc", "1.0-RC"],
    ["1.0.0-p1", "1.0.0-pl1", "1.0.0-patch1"],
    ["1.x-dev", "1.*-dev", "v1.X-dev", "1.X.x-dev"],
    ["1.0-stable", "1.0-stable5", "1.0stable.1-dev"],
    ["1.0-dev", "1.0.dev", "1.0dev", "1.0-dev@dev"],
    ["1.0.0", "1.0.0 as 2.0.0", "1.0@RC"],
    ["1.9223372036854775807", "1.9223372036854775808", "1.99999999999999999999"],
]


@pytest.mark.parametrize("chain", CHAINS)
def test_known_chain_every_pair_agrees(chain: list[str]) -> None:
    assert_ascending(Composer(), chain)


@pytest.mark.parametrize("group", SAME)
def test_texts_of_one_version_share_place_and_key(group: list[str]) -> None:
    assert_same(Composer(), group)


BRANCHES = ["dev-main", "master", "trunk", "default", "dev-1.0", "DEV-x"]


def test_branch_and_text_without_a_number_have_no_key() -> None:
    assert_refused(Composer(), ["", "-", "@dev", "stable", "foo", "dev", "x.1", *BRANCHES])


@pytest.mark.parametrize("branch", BRANCHES)
def test_branch_is_below_every_version_and_equal_to_itself_only(branch: str) -> None:
    assert Composer().compare(branch, "0.0.0-dev") == -1
    assert Composer().compare("0.0.0-dev", branch) == 1
    assert Composer().compare(branch, branch) == 0
    with pytest.raises(InvalidVersion, match="no order among themselves"):
        Composer().compare(branch, "dev-other")


@pytest.mark.parametrize(
    ("version", "form"),
    [
        ("v1", "1.0.0.0"),
        ("1.2.3.4-RC2", "1.2.3.4-RC2"),
        ("1.2-b.3", "1.2.0.0-beta3"),
        ("1.2_p1-dev", "1.2.0.0-patch1-dev"),
        ("2.0-stable7", "2.0.0.0"),
        ("2.0-STABLE7", "2.0.0.0-stable7"),
        ("2024-01-02", "2024.01.02"),
        ("v20240102.1.3", "20240102.1.3"),
        ("201903.0-p2", "201903.0-patch2"),
        ("1.2.x-dev", "1.2.9999999.9999999-dev"),
        ("trunk", "dev-trunk"),
        ("Dev-Foo", "dev-Foo"),
        ("1.0+a.b", "1.0.0.0"),
        ("1.0 as 2.0", "1.0.0.0"),
        ("1.0@Beta", "1.0.0.0"),
        ("1.0+", None),
        ("1.0.0.0.0", None),
        ("1" * 23, None),
        ("feature-dev", None),
        ("1.0@foo", None),
        ("1.0 beta", None),
    ],
)
def test_normal_form_is_composers(version: str, form: str | None) -> None:
    assert normalize(version) == form


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("1.x-dev", [1, 9999999, 9999999, 9999999]), ("1.2.x-dev", [1, 2, 9999999, 9999999])],
)
def test_open_branch_stands_above_every_release_of_its_line(version: str, numbers: list[int]) -> None:
    found = parts(version)
    assert not isinstance(found, str)
    assert [number for _, number in found][:4] == numbers
    assert Composer().compare(version, "1.2.999") == 1
    assert Composer().compare(version, "2.0-dev") == -1
