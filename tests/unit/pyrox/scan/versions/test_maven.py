"""Maven's order: the examples of the POM reference's Version Order Specification."""

from __future__ import annotations

import pytest

from pyrox.scan.versions.maven import Maven, tokens
from tests.unit.pyrox.scan.versions.orders import assert_ascending, assert_refused, assert_same

CHAINS = [
    [
        "1-alpha",
        "1-alpha-2",
        "1-beta",
        "1-milestone",
        "1-rc",
        "1-snapshot",
        "1",
        "1-sp",
        "1-abc",
        "1-xyz",
        "1-1",
        "1-2",
        "1.0.1",
        "1.1-alpha",
        "1.1",
        "2",
    ],
    ["1", "1.1"],
    ["1-snapshot", "1", "1-sp"],
    ["1-foo2", "1-foo10"],
    ["1.foo", "1-1", "1.1"],
    ["1-sp-1", "1-ga-1"],
    ["1-ga", "1-sp"],
    ["1-a1", "1-b1", "1-m1", "1-rc1"],
    ["2.14.0", "2.14.1", "2.15.0-rc1", "2.15.0", "2.17.1"],
    ["5.3.18.RELEASE", "5.3.19", "5.3.19.1"],
    ["31.0-android", "31.0-jre", "31.1-android", "31.1-jre"],
    ["4.1.77.Alpha1", "4.1.77.Beta2", "4.1.77.CR1", "4.1.77.CR10", "4.1.77.Final", "4.1.78.Final"],
]
SAME = [
    ["1", "1.0", "1-ga", "1.final", "1.0.0-0.0", "1.ga", "1-0", "1.0.0.RELEASE"],
    ["1a1", "1-alpha-1", "1-a1"],
    ["1.RC1", "1-cr-1"],
    ["1.", "1", "1-"],
    ["1.foo", "1-foo", "1_foo", "1FOO"],
    ["1-ga-1", "1-1"],
    ["1.0.0-foo.0.0", "1-foo"],
    ["1-1.foo-bar1baz-.1", "1-1.foo-bar-1-baz-0.1"],
    ["01.002", "1.2"],
]


@pytest.mark.parametrize("chain", CHAINS)
def test_known_chain_every_pair_agrees(chain: list[str]) -> None:
    assert_ascending(Maven(), chain)


@pytest.mark.parametrize("group", SAME)
def test_texts_of_one_version_share_place_and_key(group: list[str]) -> None:
    assert_same(Maven(), group)


def test_text_outside_the_order_has_no_key() -> None:
    assert_refused(Maven(), ["", " ", "1\x00"])


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.0", [(False, 1)]),
        ("1-1.foo", [(False, 1), (True, 1), (True, "foo")]),
        ("1x2", [(False, 1), (True, "x"), (True, 2)]),
        ("a", [(True, "a")]),
        ("a1", [(True, "alpha"), (True, 1)]),
        ("1.0-0-x", [(False, 1), (True, "x")]),
    ],
)
def test_tokens_are_canonical(version: str, expected: list[tuple[bool, int | str]]) -> None:
    assert tokens(version) == expected
