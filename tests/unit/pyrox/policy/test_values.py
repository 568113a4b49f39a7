"""Value grammars: what a text of a policy fits."""

from __future__ import annotations

import pytest

from pyrox.policy import values


@pytest.mark.parametrize(
    ("value", "fits", "misses"),
    [
        ("abc", ["abc", "ABCdef"], ["xabc", ""]),
        ("!abc", ["x"], ["ABCdef"]),
        ('"abc"', ["ABC"], ["abcd"]),
        ("r/a.c", ["aXc"], ["aXcd"]),
        ("r/c/b", ["aBc"], ["ac"]),
        ("g/a/*", ["a/b"], ["A/b", "a/b/c"]),
        ("*", ["", "x"], []),
        ('"', ["x", ""], []),
        ('"a"', ["a", "Ab"], ["b", '"a"']),
        ('"abc', ["abc", "abcd"], ['"abc', "ab"]),
        ("!!abc", ["abc"], ["!abc"]),
        ('!"abc"', ["abcd"], ["ABC"]),
        ("!r/a.*", ["b"], ["ab"]),
    ],
)
def test_text_grammar_chooses_matcher_by_prefix(value: str, fits: list[str], misses: list[str]) -> None:
    matcher = values.text(value)
    assert [text for text in fits if not matcher(text)] == []
    assert [text for text in misses if matcher(text)] == []


@pytest.mark.parametrize(
    ("value", "fits", "misses"),
    [
        ("7.5", [7.5, 7.50009], [7.5002]),
        ("<= 4.3", [4.3, 0.0], [4.300000190734863]),
        ("> 4.3", [4.300000190734863], [4.3]),
        (">=.5", [0.5], [0.4]),
        ("<1", [0.0], [1.0]),
    ],
)
def test_number_grammar_compares_floats(value: str, fits: list[float], misses: list[float]) -> None:
    matcher = values.number(value)
    assert all(matcher(number) for number in fits)
    assert not any(matcher(number) for number in misses)


@pytest.mark.parametrize("value", ["", "x", "nan", "inf", "1_0", "<= "])
def test_number_grammar_refuses_what_is_no_number(value: str) -> None:
    with pytest.raises(values.BadValue):
        values.number(value)


@pytest.mark.parametrize("value", ["1.5", "-1", "+1", "x", str(1 << 64), "9" * 5000, "٣"])
def test_unsigned_grammar_refuses_signs_fractions_and_giants(value: str) -> None:
    with pytest.raises(values.BadValue):
        values.number(value, integral=True, unsigned=True)


def test_integer_grammar_takes_signs() -> None:
    assert values.number("> -2", integral=True)(-1)
    assert values.number("+3", integral=True)(3)
    assert not values.number("3", integral=True)(4)


_COLOURS = {"unset": 0, "red": 1, "green": 2, "grey": 3}


@pytest.mark.parametrize(
    ("value", "fitting"),
    [
        ("RED", [1]),
        (">= GREEN", [2, 3]),
        ("< green", [0, 1]),
        ("gr", [2, 3]),
        ("", [0, 1, 2, 3]),
        ("*", [0, 1, 2, 3]),
    ],
)
def test_enum_grammar_compares_by_number_or_prefix(value: str, fitting: list[int]) -> None:
    matcher = values.enum(value, _COLOURS)
    assert [number for number in range(4) if matcher(number)] == fitting


def test_enum_with_fixed_comparator_uses_it() -> None:
    assert values.enum("GREEN", _COLOURS, ">=")(3)


@pytest.mark.parametrize(
    ("value", "wanted"), [("true", True), ("T", True), ("1", True), ("fAl", False), ("0", False)]
)
def test_boolean_grammar_takes_prefixes(value: str, wanted: bool) -> None:
    assert values.boolean(value)(wanted)
    assert not values.boolean(value)(not wanted)


@pytest.mark.parametrize("value", ["", "yes", "2"])
def test_boolean_grammar_refuses_other_words(value: str) -> None:
    with pytest.raises(values.BadValue):
        values.boolean(value)


def test_days_are_nanoseconds() -> None:
    assert values.days(" 2 ") == 172_800 * 10**9


@pytest.mark.parametrize(
    ("count", "years"), [("36500", 99), ("106751", 292), ("106752", -292), ("200000", -36), ("213504", 0)]
)
def test_days_begin_anew_after_what_64_bits_hold(count: str, years: int) -> None:
    assert int(values.days(count) / (365.25 * 86_400 * 10**9)) == years


@pytest.mark.parametrize("count", ["2147483648", "9" * 500, "-1", "1.5"])
def test_days_that_cannot_be_counted_are_refused(count: str) -> None:
    with pytest.raises(values.BadValue):
        values.days(count)


@pytest.mark.parametrize(
    ("value", "parts", "fits", "misses"),
    [
        ("curl=", 2, ["curl\t7", "CURL\t"], ["curlx\t7"]),
        ("=1.2", 2, ["x\t1.2"], ["x\t1.3"]),
        ("a|b=", 2, ["a\tx", "b\t"], ["c\tx"]),
        ("RUN=x=y", 2, ["run\tx=y"], ["run\tx"]),
        ("==foo", 3, ["RAW\tk\tfoo"], ["RAW\tk\tfo"]),
        ("a=.*", 2, ["a\tb\tc"], ["a\tb\nc"]),
        ("(a=b)", 2, [], ["(a\tb)", "x\tb"]),
    ],
)
def test_compound_grammar_matches_part_by_part(
    value: str, parts: int, fits: list[str], misses: list[str]
) -> None:
    matcher = values.compound(value, parts)
    assert [text for text in fits if not matcher(text)] == []
    assert [text for text in misses if matcher(text)] == []


def test_compound_with_more_tabs_than_parts_asks_the_whole_expression() -> None:
    assert values.compound("a=b=", 3)("a\tb\tc\td")
    assert not values.compound("a=b=c", 3)("a\tb\tc\td")


def test_pattern_that_re2_cannot_compile_is_refused() -> None:
    for value in ("(", "(?=a)", "a{2000}"):
        with pytest.raises(values.BadValue):
            values.pattern(value)


def test_path_that_is_no_glob_is_refused() -> None:
    with pytest.raises(values.BadValue):
        values.path("/a[")


@pytest.mark.parametrize(
    ("value", "fits", "misses"),
    [
        ("r/", ["", "anything"], []),
        ("c/li", ["online"], ["on"]),
        ("r/c/li", ["online"], ["on"]),
        ("a|ab", ["ab", "A"], ["abc"]),
    ],
)
def test_pattern_is_whole_unless_marked(value: str, fits: list[str], misses: list[str]) -> None:
    matcher = values.pattern(value)
    assert [text for text in fits if not matcher(text)] == []
    assert [text for text in misses if matcher(text)] == []


def test_unsigned_number_may_have_all_64_bits() -> None:
    assert values.number(str((1 << 64) - 1), integral=True, unsigned=True)((1 << 64) - 1)


@pytest.mark.parametrize("value", [" 5", "5 ", "\t5"])
def test_number_without_comparator_may_have_no_space_around_it(value: str) -> None:
    with pytest.raises(values.BadValue):
        values.number(value)
    with pytest.raises(values.BadValue):
        values.number(value, integral=True)
