"""The value grammars: one matcher per kind of leaf.

Called by `pyrox.policy.criteria`, which turns the values of a criterion into matchers.
A matcher takes the leaf's value and says whether it fits. It must not know criteria,
messages or subjects. Every function raises `BadValue` on text outside its grammar.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyrox.policy import glob, regex

Matcher = Callable[[Any], bool]

# Upstream pkg/search/predicate/basematchers: two floats this near are equal.
FLOAT_TOLERANCE = 1e-4
_INT64_END = 1 << 63
# So short an expression cannot be too large for RE2 when its parts are not.
_SURELY_SMALL = 4096
_MOST_DAYS = (1 << 31) - 1
# More than any 64-bit number has, and few enough to be read at once.
_DIGITS = 400


class BadValue(ValueError):
    """The text is outside the grammar of its leaf."""


def pattern(value: str) -> Matcher:
    """A whole-string regular expression in either case.

    A leading `r/` is accepted; upstream puts it in front where it is missing, and so reads a
    leading `c/` as its mark for "anywhere in the text".
    """
    expression = value.removeprefix("r/")
    if expression.startswith("c/"):
        return _regex(regex.contains, expression[len("c/") :])
    return _regex(regex.whole, expression)


def pattern_within(value: str) -> Matcher:
    """A regular expression that may match anywhere in the text."""
    return _regex(regex.contains, value.removeprefix("r/"))


def _regex(build: Callable[[str], regex.Test], value: str) -> Matcher:
    if not value:
        return anything
    try:
        return build(value)
    except regex.BadPattern as error:
        raise BadValue(f"regular expression {value[:200]!r}: {error}") from error


def text(value: str) -> Matcher:
    """The general string grammar: `!`, `r/`, `r/c/`, quotes, `g/`, else a prefix in either case."""
    if value.startswith("!"):
        inner = _positive(value[1:])
        return lambda found: not inner(found)
    return _positive(value)


def _positive(value: str) -> Matcher:
    if value.startswith("r/"):
        return pattern(value)
    if value.startswith("g/"):
        return path(value[2:])
    if value.startswith('"'):
        # Upstream takes the quotes off one by one; what is then left of a text that was not
        # quoted whole, or of less than two characters, is a prefix.
        value = value[1:]
        whole = value.endswith('"')
        value = value[:-1] if whole else value
        if whole and len(value) > 1:
            return exact(value)
    return anything if value == "*" else _prefix(value)


def _prefix(value: str) -> Matcher:
    prefix = value.lower()
    return lambda found: found.lower().startswith(prefix)


def anything(_found: object) -> bool:
    """Fits every value."""
    return True


def exact(value: str) -> Matcher:
    """The same text in either case."""
    wanted = value.lower()
    return lambda found: found.lower() == wanted


def path(value: str) -> Matcher:
    """A glob with `*`, `**`, `?`, classes and `{a,b}`, in the written case."""
    try:
        return glob.compile_glob(value)
    except glob.BadGlob as error:
        raise BadValue(f"path {value[:200]!r}: {error}") from error


def number(value: str, *, integral: bool = False, unsigned: bool = False) -> Matcher:
    """A number, after one of `<=`, `>=`, `<`, `>` or nothing for equality."""
    sign, rest = _comparator(value)
    wanted = _integer(rest, unsigned=unsigned) if integral else _float(rest)
    return _compare(sign, wanted, exactly=integral)


def _comparator(value: str) -> tuple[str, str]:
    for sign in ("<=", ">=", "<", ">"):
        if value.startswith(sign):
            return sign, value[len(sign) :].strip()
    return "", value


def _integer(digits: str, *, unsigned: bool) -> int:
    body = digits.removeprefix("-") if not unsigned else digits
    body = body.removeprefix("+") if not unsigned else body
    end = 2 * _INT64_END if unsigned else _INT64_END
    if not (body.isascii() and body.isdigit()) or len(body) > _DIGITS or int(body) >= end:
        raise BadValue(f"{digits[:100]!r} is not a whole number")
    return int(digits)


def _float(digits: str) -> float:
    try:
        found = float(digits)
    except ValueError as error:
        raise BadValue(f"{digits[:100]!r} is not a number") from error
    if not math.isfinite(found) or "_" in digits or digits != digits.strip():
        raise BadValue(f"{digits[:100]!r} is not a number")
    return found


def _compare(sign: str, wanted: float, *, exactly: bool = True) -> Matcher:
    if sign == "<=":
        return lambda found: found <= wanted
    if sign == ">=":
        return lambda found: found >= wanted
    if sign == "<":
        return lambda found: found < wanted
    if sign == ">":
        return lambda found: found > wanted
    if exactly:
        return lambda found: bool(found == wanted)
    return lambda found: abs(found - wanted) < FLOAT_TOLERANCE


def enum(value: str, numbers: Mapping[str, int], comparator: str = "") -> Matcher:
    """A full enum name in either case, compared by number; else a prefix of the names.

    `numbers` holds lower-case names. The matcher takes the number.
    """
    sign, name = _comparator(value)
    sign, name = comparator or sign, name.lower()
    if not name or name == "*":
        return anything
    if name in numbers:
        return _compare(sign, numbers[name])
    fitting = frozenset(number for known, number in numbers.items() if known.startswith(name))
    return fitting.__contains__


def boolean(value: str) -> Matcher:
    """`1`, `0` or a prefix of true or false in either case."""
    lowered = value.lower()
    if lowered and ("true".startswith(lowered) or lowered == "1"):
        return lambda found: found is True
    if lowered and ("false".startswith(lowered) or lowered == "0"):
        return lambda found: found is False
    raise BadValue(f"{value[:100]!r} is neither true nor false")


def days(value: str) -> int:
    """A whole number of days, as nanoseconds.

    Upstream counts in 64 bits (basematchers/timestamp.go): after some 292 years the span
    begins anew from the past's far end, and more days than fit in 32 bits are refused.
    """
    count = _integer(value.strip(), unsigned=True)
    if count > _MOST_DAYS:
        raise BadValue(f"{value[:100]!r} are more days than can be counted")
    span = count * 86_400 * 1_000_000_000
    return (span + _INT64_END) % (2 * _INT64_END) - _INT64_END


def pattern_any(texts: Sequence[str]) -> Matcher | None:
    """One matcher for several whole-string expressions, where it is quicker than each in turn."""
    plain = [text.removeprefix("r/") for text in texts]
    usual = all(one and not one.startswith("c/") and regex.is_simple(one) for one in plain)
    if len(plain) < 2 or not usual:
        return None
    return regex.whole("|".join(plain))


def words_any(texts: Sequence[str]) -> frozenset[str] | None:
    """The only texts that fit one of several whole-string expressions, if they are so plain."""
    plain = [text.removeprefix("r/") for text in texts]
    return _united([regex.words(one) if one and not one.startswith("c/") else None for one in plain])


def first_words(texts: Sequence[str]) -> frozenset[str] | None:
    """The only first parts that fit one of several compound values, if they are so plain."""
    heads = [text.partition("=")[0] for text in texts]
    return _united([regex.words(head) if head else None for head in heads])


def _united(found: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    known = [one for one in found if one is not None]
    return frozenset().union(*known) if len(known) == len(found) else None


def compound(value: str, parts: int) -> Matcher:
    """`a=b` or `a=b=c`: an expression per part, empty for any, on parts joined by a tab."""
    pieces = value.split("=", parts - 1)
    pieces += [""] * (parts - len(pieces))
    pieces = [piece or ".*" for piece in pieces]
    joined = "\t".join(f"({piece})" for piece in pieces)
    tests = _parts(pieces)
    if tests is None or len(value) > _SURELY_SMALL:
        whole = _regex(regex.whole, joined)
        return whole if tests is None else Compound(tests, joined)
    return Compound(tests, joined)


class Compound:
    """An expression for each part, on the parts joined by a tab."""

    __slots__ = ("_joined", "tests")

    def __init__(self, tests: Sequence[Matcher], joined: str) -> None:
        self.tests = tuple(tests)
        self._joined = joined

    def __call__(self, found: str) -> bool:
        """Whether the joined text fits."""
        split = found.split("\t")
        if len(split) != len(self.tests):
            # Another tab inside a part could be taken by either side: only RE2 knows. It takes
            # the whole where it took the parts, so it is asked no earlier.
            return regex.whole(self._joined)(found)
        return all(test(piece) for test, piece in zip(self.tests, split, strict=True))


def _parts(pieces: Sequence[str]) -> list[Matcher] | None:
    try:
        return [regex.whole(piece) for piece in pieces]
    except regex.BadPattern:  # a group that opens in one part and closes in the next
        return None
