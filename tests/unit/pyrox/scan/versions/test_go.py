"""Versions of Go modules and of the toolchain, and the one order of both."""

from __future__ import annotations

import pytest

from pyrox.scan.versions.go import Go
from pyrox.scan.versions.semver import Parts
from tests.unit.pyrox.scan.versions.orders import assert_ascending, assert_refused, assert_same

CHAINS = [
    [
        "v0.0.0-20170424173420-06e7a29f36a3",
        "v0.0.0-20180101000000-000000000000",
        "v1.2.3-pre",
        # The three forms of pseudo-versions: each lies between the tags around its commit.
        "v1.2.3-pre.0.20191109021931-daa7c04131f5",
        "v1.2.3",
        "v1.2.4-0.20191109021931-daa7c04131f5",
        "v1.2.4",
        "v2.0.0+incompatible",
    ],
    # Before 1.21 the language's version is the first release, from there on it is below all of its own.
    ["go1.20beta1", "go1.20rc1", "go1.20", "go1.20.1", "go1.20.14", "go1.21", "go1.21rc2", "go1.21.0"],
    [
        "go1.21",
        "1.21.0-0",
        "go1.21alpha",
        "go1.21beta1",
        "go1.21rc",
        "go1.21rc2",
        "1.21.0-rc.3",
        "go1.21rc10",
    ],
    ["1.20.3", "go1.20.4", "v1.20.5", "1.21rc1", "1.21", "go1.21.1", "go1.22", "go1.100.0", "go2"],
    ["go0.1", "go1", "go1.1", "v1.2"],
]
SAME = [
    ["go1.21.3", "1.21.3", "v1.21.3+incompatible", "go1.21.3-vendor", "go1.21.3-rc.1"],
    ["go1.22rc1", "1.22rc1", "1.22.0-rc.1", "v1.22.0-rc.1+x"],
    ["go1.20", "go1.20.0", "v1.20", "1.20.0"],
    ["go1", "go1.0", "go1.0.0", "v1", "v1.0.0+a.01"],
    ["go1.23", "go1.23-pre"],
]
REFUSED = [
    "",
    "(devel)",
    "devel go1.23-abc",
    "v",
    "go",
    "go-1.21",
    "gov1.21",
    "V1.0.0",
    " v1.0.0",
    "v1.0-rc.1",
    "v1+incompatible",
    "v01.0.0",
    "v1.0.0-01",
    "v1.0.0-a..b",
    "v1.0.0+",
    "v1.0.0.0",
    "go1.021",
    "go1.21.3rc1",
    "go1.21rc01",
    "go1.21RC1",
    "go1.21rc1.0",
    "go1.21.",
    "go1.21 X:boring",
]


@pytest.mark.parametrize("chain", CHAINS)
def test_known_chain_every_pair_agrees(chain: list[str]) -> None:
    assert_ascending(Go(), chain)


@pytest.mark.parametrize("group", SAME)
def test_texts_of_one_version_share_place_and_key(group: list[str]) -> None:
    assert_same(Go(), group)


def test_text_outside_the_grammar_has_no_key() -> None:
    assert_refused(Go(), REFUSED)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v1.2.0", Parts((1, 2), None)),
        ("go1.21", Parts((1, 21), ())),
        ("go1.21rc2", Parts((1, 21), ("rc", 2))),
        ("go1.9", Parts((1, 9), None)),
        ("v0.0.0-2024-x", Parts((), ("2024-x",))),
    ],
)
def test_parts_name_what_the_order_sees(version: str, expected: Parts) -> None:
    assert Go().parts(version) == expected
