"""Semantic versions as semver.org, npm and Cargo read them."""

from __future__ import annotations

import pytest

from pyrox.scan.versions.base import Scheme
from pyrox.scan.versions.semver import Cargo, Parts, Semver, parse
from tests.unit.pyrox.scan.versions.orders import assert_ascending, assert_refused, assert_same

CHAIN = [
    "1.0.0-0",
    "1.0.0-1",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.10.0",
    "2.0.0",
]
# Identifiers with a letter or a dash are texts, and capitals are below small letters.
TEXTS = ["1.0.0-9", "1.0.0--", "1.0.0-1a", "1.0.0-A", "1.0.0-a", "1.0.0-a-b", "1.0.0-b"]
BIG = 2**53
CHAINS: list[tuple[Scheme, list[str]]] = [
    (Semver(), CHAIN),
    (Semver(), TEXTS),
    (Semver(), ["1.0.0-alpha", "1.0.0beta", "1.0", "1.0.1-rc", "1.1", "2-a", "2"]),
    (Semver(), ["1.0.0-1" + "0" * 20, "1.0.0-2" + "0" * 20, "1.0.0-a"]),
    (Cargo(), CHAIN),
    (Cargo(), TEXTS),
    (Cargo(), [f"1.0.0-{BIG}", f"1.0.0-{BIG + 1}", "1.0.0", f"1.0.{BIG}", f"{2**64 - 1}.0.0"]),
]
SAME: list[tuple[Scheme, list[str]]] = [
    (
        Semver(),
        ["1", "1.0.0", "v1.0", "=1.0.0+build", "V1", " 1.0 ", "= v 1.0.0", "\ufeff1.0.0\u00a0", "1.00.0"],
    ),
    (Semver(), ["1.0.0-01", "1.0.0-1", "1.0.0-1+x.y"]),
    (Semver(), ["1.0.0-beta.1", "1.0.0beta.1"]),
    # JavaScript's numbers: these two identifiers are one number there.
    (Semver(), [f"1.0.0-{BIG}", f"1.0.0-{BIG + 1}"]),
    (Cargo(), ["1.0.0+a", "1.0.0+b", "1.0.0+01", "1.0.0"]),
]
REFUSED: list[tuple[Scheme, list[str]]] = [
    (
        Semver(),
        [
            "",
            "a",
            "1.0.0-",
            "1.0.0-a..b",
            "1.x",
            "1.0.0-\u00e9",
            "1\u0661",
            "-1",
            "1.0.0 beta",
            "vv1\x1c",
            "1.0beta..a",
        ],
    ),
    (
        Semver(),
        ["1.2.3.4", "1.0.0+", "1.0.0+a_b", "^1.0.0", f"{BIG}.0.0", f"1.0.{BIG}", "1.0.0-" + "a" * 251],
    ),
    (Cargo(), ["", "*", "^1.0", ">=1", "1", "1.0", "v1.0.0", " 1.0.0", "1.0.0 ", "01.0.0", "1.0.0.0"]),
    (Cargo(), ["1.0.0-01", "1.0.0-", "1.0.0+", "1.0.0-a..b", f"{2**64}.0.0", "1.0.0-\u00e9"]),
]


@pytest.mark.parametrize(("scheme", "chain"), CHAINS)
def test_known_chain_every_pair_agrees(scheme: Scheme, chain: list[str]) -> None:
    assert_ascending(scheme, chain)


@pytest.mark.parametrize(("scheme", "group"), SAME)
def test_texts_of_one_version_share_place_and_key(scheme: Scheme, group: list[str]) -> None:
    assert_same(scheme, group)


@pytest.mark.parametrize(("scheme", "versions"), REFUSED)
def test_text_outside_the_grammar_has_no_key(scheme: Scheme, versions: list[str]) -> None:
    assert_refused(scheme, versions)


def test_case_counts() -> None:
    assert Semver().compare("1.0.0-A", "1.0.0-a") == -1
    assert Cargo().compare("1.0.0-A", "1.0.0-a") == -1


def test_parse_drops_trailing_zeros_and_reads_numeric_identifiers() -> None:
    assert parse("v1.2.0-rc.07.x-1+meta.5") == Parts((1, 2), ("rc", 7, "x-1"))
    assert parse("0.0.0") == Parts((), None)
