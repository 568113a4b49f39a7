"""Maven's order: the examples of its POM reference, and where its own comparator differs from it."""

from __future__ import annotations

import pytest

from pyrox.scan.versions import key_or_none
from pyrox.scan.versions.maven import Maven, parse
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
    ["1-ga", "1-sp", "1-ga-1", "1-1"],
    ["1-a1", "1-b1", "1-m1", "1-rc1"],
    # A word, then a list, then a number; an underscore is a letter.
    ["3.1-alpha", "3.1_1", "3.1-1", "3.1.1", "31"],
    ["1-0.1", "1-1"],
    # A pre-release in the middle is below every list.
    ["1.alpha.2", "1-alpha", "1-beta", "1", "1-foo"],
    ["alpha", "foo", "foo-1", "0-1", "0.1"],
    ["1.999999999", "1.1000000000", "1.999999999999999999", "1.1000000000000000000"],
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
    ["1.foo", "1-foo", "1FOO"],
    ["1_", "1-_"],
    ["1.0.0-foo.0.0", "1-foo"],
    ["01.002", "1.2"],
]


@pytest.mark.parametrize("chain", CHAINS)
def test_known_chain_every_pair_agrees(chain: list[str]) -> None:
    assert_ascending(Maven(), chain)


@pytest.mark.parametrize("group", SAME)
def test_texts_of_one_version_share_place_and_key(group: list[str]) -> None:
    assert_same(Maven(), group)


def test_text_outside_the_order_has_no_key() -> None:
    assert_refused(Maven(), ["", "1.\u0661", "1.\U0001d7d9", "1-\U0001f600"])


# Each triple goes in a circle in Maven's own comparator, so that one of it can have no key.
CIRCLES = [
    (["1.foo.2", "1-alpha", "1"], "1.foo.2"),
    (["1.redhat-1", "1-rc", "1"], "1.redhat-1"),
    (["1.0.alpha.2", "1", "1-5"], "1.0.alpha.2"),
    (["foo", "0-alpha", "0"], "0-alpha"),
    (["1-foo", "1-0-alpha", "1"], "1-0-alpha"),
]


@pytest.mark.parametrize(("circle", "keyless"), CIRCLES)
def test_circle_is_ordered_as_maven_does_and_one_of_it_has_no_key(circle: list[str], keyless: str) -> None:
    a, b, c = circle
    assert [Maven().compare(a, b), Maven().compare(b, c), Maven().compare(c, a)] == [-1, -1, -1]
    assert [version for version in circle if key_or_none(Maven(), version) is None] == [keyless]


def test_word_as_good_as_the_release_in_the_middle_has_no_key() -> None:
    assert Maven().compare("1.ga.2", "1.2") == -1
    assert key_or_none(Maven(), "1.ga.2") is None


def test_long_zero_is_above_short_numbers_and_has_no_key() -> None:
    assert Maven().compare("1.0000000000.1", "1.999999999.1") == 1
    assert Maven().compare("1.0000000000", "1") == 0
    assert key_or_none(Maven(), "1.0000000000.1") is None
    assert key_or_none(Maven(), "1.000000000.1") is not None


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.0", [[1]]),
        ("0", [[]]),
        ("1-1.foo", [[1], [1], ["foo"]]),
        ("1.foo-2", [[1, "foo"], [2]]),
        ("1x2", [[1], ["x"], [2]]),
        ("1.x2", [[1], ["x"], [2]]),
        ("a", [["a"]]),
        ("a1", [[0], [1]]),
        ("m.b", [["m"], ["b"]]),
        ("1.0-0-x", [[1], [], ["x"]]),
        ("1-cr-final.0", [[1], [3]]),
        ("1.-2", [[1], [2]]),
    ],
)
def test_lists_are_in_normal_form(version: str, expected: list[list[int | str]]) -> None:
    found = parse(version)
    assert [[_shown(item) for item in items] for items in found] == expected


def _shown(item: tuple[int, int | str]) -> int | str:
    """A number's value, an unknown word's letters, a known word's rank."""
    return item[1] if item[1] != "" else item[0]
