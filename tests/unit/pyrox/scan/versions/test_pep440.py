"""Python's order: the chain and the normal forms of PEP 440, `packaging`, and legacy texts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from packaging.version import InvalidVersion as PackagingInvalid
from packaging.version import Version

from pyrox.scan.versions import pep440
from pyrox.scan.versions.pep440 import PythonScheme
from tests.unit.pyrox.scan.versions.orders import assert_ascending, assert_refused, assert_same
from tests.unit.pyrox.scan.versions.test_base import versions

CHAINS = [
    [
        "1.0-final-x",
        "2004d",
        "1.dev0",
        "1.0a1.dev1",
        "1.0a1",
        "1.0b1",
        "1.0rc1",
        "1.0",
        "1.0+abc",
        "1.0+abc.1",
        "1.0+5",
        "1.0.post0.dev1",
        "1.0.post1",
        "1.0.1",
        "1.1",
        "1!0.1",
    ],
    # PEP 440, "Summary of permitted suffixes and relative ordering".
    [
        "1.dev0",
        "1.0.dev456",
        "1.0a1",
        "1.0a2.dev456",
        "1.0a12.dev456",
        "1.0a12",
        "1.0b1.dev456",
        "1.0b2",
        "1.0b2.post345.dev456",
        "1.0b2.post345",
        "1.0rc1.dev456",
        "1.0rc1",
        "1.0",
        "1.0+abc.5",
        "1.0+abc.7",
        "1.0+5",
        "1.0.post456.dev34",
        "1.0.post456",
        "1.0.15",
        "1.1.dev1",
    ],
    ["2013.10", "2014.4", "1!1.0", "1!1.1", "1!2.0"],
    # Legacy texts by setuptools' old rules: before all that PEP 440 knows; words below `final` first.
    ["1.0-alphafoo", "1.0-devfoo", "1.0-foo", "1.0-prefoo", "1.0foo", "0.1"],
]
SAME = [
    ["1.0", "1", "1.0.0", "v1.0", " 1.0 ", "V1.0"],
    ["1.0a1", "1.0-alpha.1", "1.0.A1", "1.0_a_1"],
    ["1.0-1", "1.0.post1", "1.0-r1", "1.0.rev1", "1.0post1"],
    ["1.1rc1", "1.1RC1", "1.1c1", "1.1pre1", "1.1-preview_1"],
    ["1.2a0", "1.2a"],
    ["1.2.post0", "1.2.post"],
    ["1.2.dev0", "1.2dev", "1.2-DEV"],
    ["1.0+ubuntu.1", "1.0+ubuntu-1", "1.0+UBUNTU_01"],
    ["0!1", "1", "01"],
]


@pytest.mark.parametrize("chain", CHAINS)
def test_known_chain_every_pair_agrees(chain: list[str]) -> None:
    assert_ascending(PythonScheme(), chain)


@pytest.mark.parametrize("group", SAME)
def test_texts_of_one_version_share_place_and_key(group: list[str]) -> None:
    assert_same(PythonScheme(), group)


def test_empty_text_has_no_key() -> None:
    assert_refused(PythonScheme(), ["", " ", "a\x00"])


@settings(max_examples=100, deadline=None)
@given(versions("pep440"), versions("pep440"))
def test_order_agrees_with_packaging(a: str, b: str) -> None:
    try:
        one, two = Version(a), Version(b)
    except PackagingInvalid:
        return
    assert PythonScheme().compare(a, b) == (one > two) - (one < two)
    assert pep440.canonical(a) == one.public


def test_up_to_without_local_includes_its_locals() -> None:
    scheme = PythonScheme()
    assert scheme.key("1.0+cu118") < scheme.after("1.0") <= scheme.key("1.0.post1")
    assert scheme.key("1.0+cu119") >= scheme.after("1.0+cu118")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1!1.0-ALPHA.1.post2.dev3+x", "1!1.0a1.post2.dev3"),
        ("2004d", None),
        ("1.1RC1", "1.1rc1"),
        ("1.0-r4", "1.0.post4"),
        ("1.2.", None),
        ("001.02.0", "1.2.0"),
        ("1.0.dev", "1.0.dev0"),
        ("1.0+local", "1.0"),
        ("1.0+", None),
        ("1.0++a", None),
        ("1\u0660", None),
        ("1.*", None),
    ],
)
def test_canonical_is_the_public_normal_form_or_none(version: str, expected: str | None) -> None:
    assert pep440.canonical(version) == expected
