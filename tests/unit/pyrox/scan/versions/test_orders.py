"""Every order: known pairs, the laws of an order, and keys that agree with the comparator."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import InvalidVersion as PackagingInvalid
from packaging.version import Version

from pyrox.scan.advisories.model import HIGHEST
from pyrox.scan.versions import InvalidVersion, pep440
from pyrox.scan.versions.apk import Apk
from pyrox.scan.versions.base import MAX_VERSION_CHARS, Scheme, num, text
from pyrox.scan.versions.composer import Composer
from pyrox.scan.versions.dpkg import Dpkg
from pyrox.scan.versions.gem import Gem
from pyrox.scan.versions.maven import Maven
from pyrox.scan.versions.pep440 import PythonScheme
from pyrox.scan.versions.rpm import Rpm
from pyrox.scan.versions.semver import Cargo, Go, Nuget, Semver

SCHEMES: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Dpkg(),
        Rpm(),
        Apk(),
        PythonScheme(),
        Gem(),
        Semver(),
        Cargo(),
        Go(),
        Nuget(),
        Maven(),
        Composer(),
    )
}

ORDERED: dict[str, list[str]] = {
    "dpkg": [
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
    "rpm": [
        "1.0~rc1",
        "1.0~rc1^git1",
        "1.0",
        "1.0-",
        "1.0-1",
        "1.0-1.a",
        "1.0-1.1",
        "1.0^git1",
        "1.0.a",
        "1.0.1",
        "1:0.1",
    ],
    "apk": [
        "1.2_alpha",
        "1.2_alpha2",
        "1.2_beta",
        "1.2_rc1",
        "1.2",
        "1.2-r0",
        "1.2-r1",
        "1.2~abc",
        "1.2_cvs",
        "1.2_p",
        "1.2_p1",
        "1.2a",
        "1.2a_p1",
        "1.2a1",
        "1.2a2",
        "1.2.0",
        "1.2.00",
        "1.2.01",
        "1.2.1",
        "1.2.10",
        "1.10",
    ],
    "pep440": [
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
    "gem": ["1.a", "1.a.1", "1.b1", "1.b2", "1", "1.0.1", "1.1.rc1", "1.1", "1.10", "2.0.0-1", "2"],
    "semver": [
        "1.0.0-0",
        "1.0.0-1",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-beta",
        "1.0.0",
        "1.0.1",
        "1.10.0",
    ],
    "cargo": ["0.1.0-rc.1", "0.1.0", "0.2.0"],
    "go": [
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
    "nuget": ["1.0.0-ALPHA", "1.0.0-beta", "1.0.0", "1.0.0.1", "1.0.1"],
    "maven": [
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
    "composer": [
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
}

EQUAL: dict[str, list[list[str]]] = {
    "dpkg": [["1.0", "0:1.0", "1.0-0", "1.0-"], ["1.a", "1.a0"], ["01", "1"]],
    "rpm": [["1.0", "0:1.0", "1_0", "1..0", ":1.0"], ["1.1.ß", "1.1.ßß"]],
    "apk": [["1.0-r01", "1.0-r1"]],
    "pep440": [
        ["1.0", "1", "1.0.0", "v1.0", " 1.0 "],
        ["1.0a1", "1.0-alpha.1", "1.0.A1"],
        ["1.0-1", "1.0.post1"],
    ],
    "gem": [["1", "1.0", "1.0.0"], ["1-a", "1.pre.a"], ["", "0"]],
    "semver": [["1", "1.0.0", "v1.0", "=1.0.0+build"]],
    "cargo": [["1.0.0+a", "1.0.0+b"]],
    "go": [["go1.22", "1.22.0", "v1.22.0+incompatible"], ["1.22rc1", "1.22.0-rc.1"]],
    "nuget": [["1.0.0.1-1.2.A", "1.0.0.1-1.2.a+A"]],
    "maven": [
        ["1", "1.0", "1-ga", "1.final", "1.0.0-0.0"],
        ["1a1", "1-alpha-1"],
        ["1.RC1", "1-cr-1"],
        ["1.", "1", "1-"],
    ],
    "composer": [["1.0", "v1.0.0", "1.0.0.0", "1.0-stable", "1.0@dev", "1.0+build"], ["1.0b1", "1.0-beta1"]],
}

REFUSED: dict[str, list[str]] = {
    "dpkg": ["", "a:1", "1 2", "é", "99999999999:1", ":1"],
    "rpm": ["", " "],
    "apk": ["", "a1", "1.0foo", "1._1", "1.0_bad", "1.0-1", "1-r1-r2", "1~g", "1-r1~a", "1a.1"],
    "pep440": ["", " ", "a\x00"],
    "gem": ["1..2", "x", "1\u0660"],
    "semver": ["", "a", "1.0.0-", "1.0.0-a..b", "1.x"],
    "cargo": ["*"],
    "go": ["(devel)", "devel go1.23-abc"],
    "nuget": ["[1.0,2.0)"],
    "maven": ["", " ", "1\x00"],
    "composer": ["", "dev-main", "master", "-"],
}

ALPHABETS: dict[str, str] = {
    "dpkg": "0129aZ~+.-:",
    "rpm": "0129aZ~^.-:_ß",
    "apk": "012.abrp_-~",
    "pep440": "012.abcrdevpost+-!",
    "gem": "012.abZ-",
    "semver": "012.abZ-+",
    "cargo": "012.abZ-+",
    "go": "v012.abrc-+",
    "nuget": "012.abZ-+",
    "maven": "012.-_abmrcsp",
    "composer": "v012.-abprcx",
}
WORDS: dict[str, list[str]] = {
    "apk": ["_alpha", "_beta", "_pre", "_rc", "_git", "_p", "-r1", "-r", "~ab", ".0", ".01", "a1"],
    "pep440": ["a1", "rc", ".dev", ".post1", "+l.1", "1!", "-1", "final"],
    "maven": ["alpha", "-beta", "rc", "snapshot", "ga", "final", ".0", "-0", "sp", "-1"],
    "composer": ["alpha", "-beta", "RC1", "-dev", "pl", "stable", ".0"],
    "gem": [".pre", ".a", ".0", "-1"],
    "go": ["rc1", "beta2", "go1", "+incompatible"],
}


def outcome(call: object, *arguments: str) -> object:
    try:
        return call(*arguments)  # type: ignore[operator]  # a scheme's method
    except InvalidVersion:
        return None


def by_keys(scheme: Scheme, a: str, b: str) -> int | None:
    one, two = outcome(scheme.key, a), outcome(scheme.key, b)
    if not (isinstance(one, bytes) and isinstance(two, bytes)):
        return None
    return (one > two) - (one < two)


@pytest.mark.parametrize("name", ORDERED)
def test_known_chain_every_pair_agrees(name: str) -> None:
    scheme, chain = SCHEMES[name], ORDERED[name]
    for i, a in enumerate(chain):
        for j, b in enumerate(chain):
            expected = (i > j) - (i < j)
            assert scheme.compare(a, b) == expected, (a, b)
            assert by_keys(scheme, a, b) == expected, (a, b)


@pytest.mark.parametrize("name", EQUAL)
def test_equal_texts_share_place_and_key(name: str) -> None:
    scheme = SCHEMES[name]
    for group in EQUAL[name]:
        assert {scheme.key(version) for version in group} == {scheme.key(group[0])}
        assert all(scheme.compare(group[0], version) == 0 for version in group)


@pytest.mark.parametrize("name", REFUSED)
def test_text_outside_the_order_has_no_key(name: str) -> None:
    for version in [*REFUSED[name], "1" * (MAX_VERSION_CHARS + 1)]:
        with pytest.raises(InvalidVersion):
            SCHEMES[name].key(version)


@st.composite
def versions(draw: st.DrawFn, name: str) -> str:
    pieces = st.one_of(
        st.text(ALPHABETS[name], max_size=4),
        st.sampled_from(WORDS.get(name, [".1"])),
        st.integers(0, 30).map(str),
    )
    return draw(st.sampled_from(["", "1", "0.", "1.2"])) + "".join(draw(st.lists(pieces, max_size=4)))


@pytest.mark.parametrize("name", SCHEMES)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_random_pair_key_order_is_comparator_order(name: str, data: st.DataObject) -> None:
    scheme = SCHEMES[name]
    a, b = data.draw(versions(name)), data.draw(versions(name))
    order, keys = outcome(scheme.compare, a, b), by_keys(scheme, a, b)
    if keys is not None:
        assert order == keys
        assert scheme.compare(b, a) == -keys
    for version in (a, b):
        key = outcome(scheme.key, version)
        if isinstance(key, bytes):
            assert b"" < key < HIGHEST
            assert scheme.compare(version, version) == 0
            assert key < scheme.after(version) < HIGHEST


@pytest.mark.parametrize("name", SCHEMES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_random_pair_bound_up_to_includes_exactly_what_is_not_above(name: str, data: st.DataObject) -> None:
    scheme = SCHEMES[name]
    a, b = data.draw(versions(name)), data.draw(versions(name))
    keys = by_keys(scheme, a, b)
    if keys is None or (name == "pep440" and "+" in a + b):
        return
    assert (scheme.key(a) < scheme.after(b)) == (keys <= 0)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=12), st.text(max_size=12))
def test_any_text_is_ordered_or_refused(a: str, b: str) -> None:
    for scheme in SCHEMES.values():
        keys = by_keys(scheme, a, b)
        assert keys is None or keys == scheme.compare(a, b)


@settings(max_examples=300, deadline=None)
@given(versions("pep440"), versions("pep440"))
def test_pep440_agrees_with_packaging(a: str, b: str) -> None:
    try:
        one, two = Version(a), Version(b)
    except PackagingInvalid:
        return
    assert SCHEMES["pep440"].compare(a, b) == (one > two) - (one < two)
    assert pep440.canonical(a) == one.public


def test_pep440_up_to_without_local_includes_its_locals() -> None:
    scheme = SCHEMES["pep440"]
    assert scheme.key("1.0+cu118") < scheme.after("1.0") <= scheme.key("1.0.post1")
    assert scheme.key("1.0+cu119") >= scheme.after("1.0+cu118")


def test_pep440_canonical_drops_local_and_refuses_legacy() -> None:
    assert pep440.canonical("1!1.0-ALPHA.1.post2.dev3+x") == "1!1.0a1.post2.dev3"
    assert pep440.canonical("2004d") is None


def test_apk_comparator_places_broken_text_below_its_beginning() -> None:
    assert SCHEMES["apk"].compare("1.0.foo", "1.0") == -1
    assert SCHEMES["apk"].compare("1.0_rc1", "1.0.foo") == -1


def test_num_of_many_digits_keeps_the_order() -> None:
    assert num("9" * 254) < num("1" * 255) < num("1" * 256)
    assert num("000") == b"\x00"


@pytest.mark.parametrize("value", ["a\x00b", "\ud800"])
def test_text_that_cannot_be_stored_is_refused(value: str) -> None:
    with pytest.raises(InvalidVersion):
        text(value)


def test_rpm_epoch_of_absurd_length_is_refused() -> None:
    with pytest.raises(InvalidVersion, match=re.escape("epoch")):
        SCHEMES["rpm"].key("1" * 300 + ":1")
