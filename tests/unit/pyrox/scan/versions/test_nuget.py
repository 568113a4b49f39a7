"""NuGet's versions: four numbers, labels without regard to case."""

from __future__ import annotations

import pytest

from pyrox.scan.versions.nuget import Nuget
from tests.unit.pyrox.scan.versions.orders import assert_ascending, assert_refused, assert_same

CHAINS = [
    ["1.0.0-ALPHA", "1.0.0-beta", "1.0.0", "1.0.0.1", "1.0.1"],
    [
        "1.0.1-alpha",
        "1.0.1-alpha.2",
        "1.0.1-beta",
        "1.0.1-Beta.5",
        "1.0.1-beta.12",
        "1.0.1-open",
        "1.0.1-rc.2",
        "1.0.1-RC.10",
        "1.0.1-zzz",
        "1.0.1",
    ],
    # A label with a sign is a number for .NET, and one of more than 32 bits is a word.
    ["1.0-" + label for label in ("-2147483648", "-5", "-1", "0", "7", "2147483647")]
    + ["1.0-" + label for label in ("-", "-2147483649", "-a", "10000000000", "2147483648", "a")],
    ["0.9", "1", "1.0.0.1", "1.0.1", "1.2147483647", "2"],
]
SAME = [
    ["1.0.0.1-1.2.A", "1.0.0.1-1.2.a+A"],
    ["1.01.1", "1.1.1", "1.1.1.0", "1.1.1+4f2a", " 1.1.1 ", "1 . 1 .1"],
    ["1.0--05", "1.0--5"],
    ["1-a", "1.0.0.0-A", "1.0 -a"],
]
REFUSED = [
    "",
    "a",
    "v1.0",
    "[1.0,2.0)",
    "1.*",
    "1.",
    ".1",
    "1..0",
    "1.0.0.0.0",
    "1.0-",
    "1.0+",
    "1.0-a+",
    "1.0-01",
]
MORE = [
    "1.0-a.",
    "1.0-a..b",
    "1.0+a..b",
    "1.0-a+b+c",
    "1.2147483648",
    "1.0-a_b",
    "1.0- a",
    "-1.0",
    "1\u0661",
]


@pytest.mark.parametrize("chain", CHAINS)
def test_known_chain_every_pair_agrees(chain: list[str]) -> None:
    assert_ascending(Nuget(), chain)


@pytest.mark.parametrize("group", SAME)
def test_texts_of_one_version_share_place_and_key(group: list[str]) -> None:
    assert_same(Nuget(), group)


def test_text_outside_the_grammar_has_no_key() -> None:
    assert_refused(Nuget(), [*REFUSED, *MORE])


def test_case_of_a_label_does_not_count() -> None:
    assert Nuget().compare("1.0.0-A", "1.0.0-a") == 0
