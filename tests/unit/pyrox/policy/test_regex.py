"""User patterns: RE2 semantics, and short cuts that agree with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrox.policy import regex


@pytest.mark.parametrize(
    ("pattern", "fits", "misses"),
    [
        ("apt|dpkg", ["apt", "DPKG"], ["apt-get", ""]),
        (".*xmrig", ["xmrig", "/tmp/XMRIG"], ["xmrig2"]),
        ("lib.*", ["lib", "libc6"], ["glibc"]),
        (".*min.*", ["admin", "min"], ["max"]),
        (".*", ["", "x"], ["a\nb"]),
        (r"a\.b", ["a.b"], ["axb"]),
        (r"a\.*", ["a", "a..."], ["ab"]),
        ("straße", ["STRASSE".replace("SS", "ß"), "straße"], ["strasse"]),
        ("k", ["K", "\u212a"], ["j"]),
        ("^a$", ["a", "A"], ["aa"]),
        ("", [""], ["a"]),
    ],
)
def test_whole_pattern_fits_from_end_to_end_in_either_case(
    pattern: str, fits: list[str], misses: list[str]
) -> None:
    test = regex.whole(pattern)
    assert [text for text in fits if not test(text)] == []
    assert [text for text in misses if test(text)] == []


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("nginx", "install NGINX", True),
        ("^nginx", "install nginx", False),
        ("-y x", "a -Y X b", True),
        ("a", "", False),
    ],
)
def test_contained_pattern_fits_anywhere(pattern: str, text: str, fits: bool) -> None:
    assert regex.contains(pattern)(text) is fits


def test_catastrophic_pattern_ends_at_once() -> None:
    assert not regex.whole("(a+)+b")("a" * 5000)


def test_pattern_beyond_the_limit_is_refused() -> None:
    with pytest.raises(regex.BadPattern, match="longer than"):
        regex.whole("a" * (regex.MAX_PATTERN_LENGTH + 1))


def test_memory_of_verdicts_is_bounded_and_stays_right() -> None:
    test = regex.whole("a[0-9]+")
    assert all(test(f"a{number}") for number in range(5000))
    assert not test("b")


_PIECES = st.sampled_from(["a", "B", ".*", r"\.", "-", "|", "k", "ab", "_"])
_TEXTS = st.text(alphabet="aAbB.-_|kK\u212a\n", max_size=6)


@given(st.lists(_PIECES, min_size=1, max_size=6).map("".join), _TEXTS)
def test_short_cut_agrees_with_re2(pattern: str, text: str) -> None:
    assert regex.whole(pattern)(text) is regex.sensitive(f"^(?i:{pattern})$")(text)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("CVE-2021-1", {"cve-2021-1"}),
        (r"apt|DPKG|a\.b", {"apt", "dpkg", "a.b"}),
        ("", {""}),
        (".*", None),
        ("a|b.*", None),
        ("(a)", None),
        ("straße", None),
        ("a\\", None),
        ("a" * 5000, None),
    ],
)
def test_words_are_told_of_plain_patterns_alone(pattern: str, words: set[str] | None) -> None:
    assert regex.words(pattern) == words


def test_pattern_that_re2_refuses_is_refused_at_once() -> None:
    with pytest.raises(regex.BadPattern):
        regex.whole("(")


def test_long_texts_are_forgotten_early() -> None:
    test = regex.whole("(a|b)+")
    assert all(test("a" * 50_000 + "b" * number) for number in range(20))
    assert not test("c" * 50_000)


def test_forgotten_patterns_are_compiled_anew_and_say_the_same() -> None:
    before = regex.whole("(a|b)+")
    assert regex.whole("(a|b)+") is before
    regex.forget()
    after = regex.whole("(a|b)+")
    assert after is not before
    assert after("ab")
    assert before("ab")
