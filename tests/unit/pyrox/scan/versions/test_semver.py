"""Semantic versions as semver.org, npm, Cargo, Go and NuGet document them."""

from __future__ import annotations

import pytest

from pyrox.scan.versions.base import Scheme
from pyrox.scan.versions.semver import Cargo, Go, Nuget, Parts, Semver, parse
from tests.unit.pyrox.scan.versions.orders import assert_ascending, assert_refused, assert_same

CHAINS: list[tuple[Scheme, list[str]]] = [
    (
        Semver(),
        [
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
        ],
    ),
    (Semver(), ["1.0.0", "2.0.0", "2.1.0", "2.1.1"]),
    # Identifiers with a letter or a dash are texts, and capitals are below small letters.
    (Semver(), ["1.0.0-9", "1.0.0--", "1.0.0-1a", "1.0.0-A", "1.0.0-a", "1.0.0-a-b", "1.0.0-b"]),
    (Cargo(), ["0.1.0-rc.1", "0.1.0", "0.2.0"]),
    (
        Go(),
        [
            "v0.0.0-20170424173420-06e7a29f36a3",
            "v0.0.0-20180101000000-000000000000",
            "go1.22-0",
            "go1.22beta1",
            "1.22rc1",
            "go1.22rc2",
            "1.22",
            "1.22.1",
            "v2.0.0+incompatible",
        ],
    ),
    # The three forms of pseudo-versions: each lies between the tags around its commit.
    (
        Go(),
        [
            "v1.2.3-pre",
            "v1.2.3-pre.0.20191109021931-daa7c04131f5",
            "v1.2.3",
            "v1.2.4-0.20191109021931-daa7c04131f5",
            "v1.2.4",
        ],
    ),
    (Go(), ["go1.20.14", "go1.21rc2", "go1.21rc3", "go1.21.0", "go1.21.13"]),
    (Nuget(), ["1.0.0-ALPHA", "1.0.0-beta", "1.0.0", "1.0.0.1", "1.0.1"]),
    (
        Nuget(),
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
    ),
]
SAME: list[tuple[Scheme, list[str]]] = [
    (Semver(), ["1", "1.0.0", "v1.0", "=1.0.0+build", "V1", " 1.0 "]),
    (Semver(), ["1.0.0-01", "1.0.0-1"]),
    (Cargo(), ["1.0.0+a", "1.0.0+b"]),
    (Go(), ["go1.22", "1.22.0", "v1.22.0+incompatible"]),
    (Go(), ["1.22rc1", "1.22.0-rc.1"]),
    (Nuget(), ["1.0.0.1-1.2.A", "1.0.0.1-1.2.a+A"]),
    (Nuget(), ["1.01.1", "1.1.1", "1.1.1.0", "1.1.1+4f2a"]),
]
REFUSED: list[tuple[Scheme, list[str]]] = [
    (
        Semver(),
        ["", "a", "1.0.0-", "1.0.0-a..b", "1.x", "1.0.0-\u00e9", "1\u0661", "-1", "1.0.0 beta", "vv1"],
    ),
    (Cargo(), ["*", "^1.0", ">=1"]),
    (Go(), ["(devel)", "devel go1.23-abc", "v", "go"]),
    (Nuget(), ["[1.0,2.0)", "1.*"]),
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


def test_case_counts_in_semver_and_not_in_nuget() -> None:
    assert Semver().compare("1.0.0-A", "1.0.0-a") == -1
    assert Nuget().compare("1.0.0-A", "1.0.0-a") == 0


def test_parse_drops_trailing_zeros_and_reads_numeric_identifiers() -> None:
    assert parse("v1.2.0-rc.07.x-1+meta.5") == Parts((1, 2), ("rc", 7, "x-1"))
    assert parse("0.0.0") == Parts((), ())
