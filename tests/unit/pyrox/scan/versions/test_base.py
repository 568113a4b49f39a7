"""The laws that every order keeps: its keys agree with its comparator, whatever the text."""

from __future__ import annotations

import functools
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrox.scan.advisories.model import HIGHEST
from pyrox.scan.versions import InvalidVersion, key_or_none
from pyrox.scan.versions.apk import Apk
from pyrox.scan.versions.base import MAX_VERSION_CHARS, Scheme, check_length, num, sign, text
from pyrox.scan.versions.composer import Composer
from pyrox.scan.versions.dpkg import Dpkg
from pyrox.scan.versions.gem import Gem
from pyrox.scan.versions.go import Go
from pyrox.scan.versions.maven import Maven
from pyrox.scan.versions.nuget import Nuget
from pyrox.scan.versions.pep440 import PythonScheme
from pyrox.scan.versions.rpm import Rpm
from pyrox.scan.versions.semver import Cargo, Semver
from tests.unit.pyrox.scan.versions.orders import by_keys, outcome

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
# Pieces that mean something in the order's own grammar.
WORDS: dict[str, list[str]] = {
    "dpkg": ["~", "+b1", "-1", ".0", "a", "1:"],
    "rpm": ["~rc1", "^git", "-1", ".0", "a", "1:"],
    "apk": ["_alpha", "_beta", "_pre", "_rc", "_git", "_p", "-r1", "-r", "~ab", ".0", ".01", "a1"],
    "pep440": ["a1", "rc", ".dev", ".post1", "+l.1", "1!", "-1", "final"],
    "semver": ["-a", "-0", ".0", ".1", ".b", "+x"],
    "cargo": ["-a", "-0", ".0", ".1", ".B", "+x"],
    "nuget": ["-A", "-0", ".0", ".1", ".a", "+x"],
    "maven": ["alpha", "-beta", "rc", "snapshot", "ga", "final", ".0", "-0", "sp", "-1"],
    "composer": ["alpha", "-beta", "RC1", "-dev", "pl", "stable", ".0"],
    "gem": [".pre", ".a", ".0", "-1"],
    "go": ["rc1", "beta2", "go1", "+incompatible"],
}


@st.composite
def versions(draw: st.DrawFn, name: str) -> str:
    pieces = st.one_of(
        st.text(ALPHABETS[name], max_size=4),
        st.sampled_from(WORDS[name]),
        st.integers(0, 30).map(str),
    )
    starts = (
        ["1.2.3"] if name == "cargo" else ["", "1", "0.", "1.2", "1.2.3", "go1.2" if name == "go" else "2"]
    )
    return draw(st.sampled_from(starts)) + "".join(draw(st.lists(pieces, max_size=4)))


@pytest.mark.parametrize("name", SCHEMES)
@settings(max_examples=100, deadline=None)
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
        if key is not None:
            assert b"" < key < HIGHEST
            assert scheme.compare(version, version) == 0
            assert key < scheme.after(version) < HIGHEST


@pytest.mark.parametrize("name", SCHEMES)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_random_pair_bound_up_to_includes_exactly_what_is_not_above(name: str, data: st.DataObject) -> None:
    scheme = SCHEMES[name]
    a, b = data.draw(versions(name)), data.draw(versions(name))
    keys = by_keys(scheme, a, b)
    if keys is None or (name == "pep440" and "+" in a + b):
        return
    assert (scheme.key(a) < scheme.after(b)) == (keys <= 0)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=12), st.text(max_size=12))
def test_any_text_is_ordered_or_refused(a: str, b: str) -> None:
    for scheme in SCHEMES.values():
        keys = by_keys(scheme, a, b)
        assert keys is None or keys == scheme.compare(a, b)


@pytest.mark.parametrize("name", SCHEMES)
def test_all_short_versions_sort_the_same_by_comparator_and_by_key(name: str) -> None:
    scheme = SCHEMES[name]
    pieces = [".1", ".0", *WORDS[name][:5]]
    start = "1.0.0" if name == "cargo" else "1"
    texts = [
        start + "".join(chosen) for size in range(4) for chosen in itertools.product(pieces, repeat=size)
    ]
    valid = [version for version in texts if key_or_none(scheme, version) is not None]
    assert len(valid) > len(texts) // 20
    by_comparator = sorted(valid, key=functools.cmp_to_key(scheme.compare))
    assert [scheme.key(v) for v in by_comparator] == sorted(scheme.key(v) for v in valid)


@pytest.mark.parametrize("name", SCHEMES)
def test_versions_of_all_lengths_keep_the_order_and_no_key_begins_another(name: str) -> None:
    scheme = SCHEMES[name]
    start = "1.0.0" if name in {"cargo", "go"} else "1"
    texts = [
        (start + piece + filler * 400)[:size]
        for piece in WORDS[name]
        for filler in ("9", ".0", ".1", "-1", "a")
        for size in (7, 40, 255, 256, 257, 1023, MAX_VERSION_CHARS)
    ]
    keyed = {version: key for version in texts if (key := key_or_none(scheme, version)) is not None}
    assert max(map(len, keyed)) >= 40
    for a, b in itertools.pairwise(sorted(keyed, key=keyed.__getitem__)):
        assert scheme.compare(a, b) == by_keys(scheme, a, b) == -scheme.compare(b, a)
        assert keyed[a] == keyed[b] or not keyed[b].startswith(keyed[a])


@pytest.mark.parametrize("name", SCHEMES)
def test_keys_of_different_versions_never_begin_with_one_another(name: str) -> None:
    scheme = SCHEMES[name]
    start = "1.0.0" if name == "cargo" else "1"
    texts = [
        start + "".join(chosen) for size in range(3) for chosen in itertools.product(WORDS[name], repeat=size)
    ]
    keys = sorted({key for version in texts if (key := key_or_none(scheme, version)) is not None})
    assert [(a, b) for a, b in itertools.pairwise(keys) if b.startswith(a)] == []


# The longest text of each order, as a beginning and what is repeated: most tools bound no
# number, but npm, Cargo, NuGet and PHP do, and npm bounds the whole text.
LONGEST: dict[str, tuple[int, str, str]] = {
    "semver": (256, "1.0.0-", "a"),
    "cargo": (MAX_VERSION_CHARS, "1.0.0-", "a"),
    "nuget": (MAX_VERSION_CHARS, "1.0.0-", "a"),
    "composer": (MAX_VERSION_CHARS, "11", ".1"),
}


@pytest.mark.parametrize("name", SCHEMES)
def test_longest_version_has_a_place_and_one_more_character_has_none(name: str) -> None:
    scheme = SCHEMES[name]
    size, start, filler = LONGEST.get(name, (MAX_VERSION_CHARS, "9", "9"))
    longest = (start + filler * size)[:size]
    shorter = longest.removesuffix(filler)
    assert scheme.compare(longest, shorter) == 1
    assert by_keys(scheme, longest, shorter) == 1
    for call in (scheme.key, scheme.after, lambda version: scheme.compare("1.0.0", version)):
        with pytest.raises(InvalidVersion):
            call(longest + "9")
        with pytest.raises(InvalidVersion, match="1025 characters: at most 1024 are read"):
            call("9" * (MAX_VERSION_CHARS + 1))


def test_check_length_takes_the_limit_itself() -> None:
    check_length("1" * MAX_VERSION_CHARS)


def test_num_of_many_digits_keeps_the_order() -> None:
    assert num("9" * 254) < num("1" * 255) < num("1" * 256)
    assert num("000") == b"\x00"
    assert num("0010") == b"\x0210"


@given(st.integers(0, 10**300), st.integers(0, 10**300), st.integers(0, 3))
def test_num_orders_as_the_numbers_and_ignores_leading_zeros(a: int, b: int, zeros: int) -> None:
    assert sign(num(str(a)), num("0" * zeros + str(b))) == sign(a, b)


@given(st.text(max_size=6), st.text(max_size=6))
def test_text_orders_as_code_points(a: str, b: str) -> None:
    one, two = outcome(text, a), outcome(text, b)
    if one is not None and two is not None:
        assert sign(one, two) == sign(a, b)


@pytest.mark.parametrize("value", ["a\x00b", "\ud800"])
def test_text_that_cannot_be_stored_is_refused(value: str) -> None:
    with pytest.raises(InvalidVersion):
        text(value)


def test_key_or_none_is_none_where_the_order_refuses() -> None:
    assert key_or_none(SCHEMES["semver"], "not a version") is None
    assert key_or_none(SCHEMES["semver"], "1.0.0") == SCHEMES["semver"].key("1")


def test_scheme_without_an_order_of_its_own_is_not_made() -> None:
    class Half(Scheme):
        name = "half"

        def compare(self, a: str, b: str) -> int:
            return sign(a, b)

    for incomplete, missing in ((Scheme, "compare.*key"), (Half, "key")):
        with pytest.raises(TypeError, match=rf"abstract .*{missing}"):
            incomplete()  # type: ignore[abstract]  # what a type checker says, at run time
