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


class BadValue(ValueError):
    """The text is outside the grammar of its leaf."""


def pattern(value: str) -> Matcher:
    """A whole-string regular expression in either case; a leading `r/` is accepted."""
    return _regex(regex.whole, value.removeprefix("r/"))


def pattern_within(value: str) -> Matcher:
    """A regular expression that may match anywhere in the text."""
    return _regex(regex.contains, value.removeprefix("r/"))


def _regex(build: Callable[[str], regex.Test], value: str) -> Matcher:
    try:
        return build(value)
    except regex.BadPattern as error:
        raise BadValue(f"regular expression {value[:200]!r}: {error}") from error


def text(value: str) -> Matcher:
    """The general string grammar: `!`, `r/`, `r/c/`, quotes, `g/`, else a prefix in either case."""
    if value.startswith("!"):
        inner = text(value[1:])
        return lambda found: not inner(found)
    return _marked(value) or _prefix(value)


def _marked(value: str) -> Matcher | None:
    if value.startswith("r/c/"):
        return pattern_within(value[len("r/c/") :])
    if value.startswith("r/"):
        return pattern(value)
    if value.startswith("g/"):
        return path(value[2:])
    if value == "*":
        return anything
    if len(value) > 1 and value[0] == value[-1] == '"':
        return exact(value[1:-1])
    return None


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
    stripped = value.strip()
    for sign in ("<=", ">=", "<", ">"):
        if stripped.startswith(sign):
            return sign, stripped[len(sign) :].strip()
    return "", stripped


def _integer(digits: str, *, unsigned: bool) -> int:
    body = digits.removeprefix("-") if not unsigned else digits
    body = body.removeprefix("+") if not unsigned else body
    if not (body.isascii() and body.isdigit()) or int(body) >= _INT64_END:
        raise BadValue(f"{digits[:100]!r} is not a whole number")
    return int(digits)


def _float(digits: str) -> float:
    try:
        found = float(digits)
    except ValueError as error:
        raise BadValue(f"{digits[:100]!r} is not a number") from error
    if not math.isfinite(found) or "_" in digits:
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
    """A whole number of days, as nanoseconds."""
    return _integer(value.strip(), unsigned=True) * 86_400 * 1_000_000_000


def compound(value: str, parts: int) -> Matcher:
    """`a=b` or `a=b=c`: an expression per part, empty for any, on parts joined by a tab."""
    pieces = value.split("=", parts - 1)
    pieces += [""] * (parts - len(pieces))
    pieces = [piece or ".*" for piece in pieces]
    joined = _regex(regex.whole, "\t".join(f"({piece})" for piece in pieces))
    tests = _parts(pieces)
    if tests is None:
        return joined
    return _two_parts(tests, joined) if parts == 2 else _all_parts(tests, joined)


def _two_parts(tests: list[Matcher], joined: Matcher) -> Matcher:
    first, second = tests

    def fits(found: str) -> bool:
        head, _, tail = found.partition("\t")
        # Another tab inside a part could be taken by either side: only RE2 knows.
        return joined(found) if "\t" in tail else first(head) and second(tail)

    return fits


def _all_parts(tests: list[Matcher], joined: Matcher) -> Matcher:
    def fits(found: str) -> bool:
        split = found.split("\t")
        if len(split) != len(tests):
            return joined(found)
        return all(test(piece) for test, piece in zip(tests, split, strict=True))

    return fits


def _parts(pieces: Sequence[str]) -> list[Matcher] | None:
    try:
        return [regex.whole(piece) for piece in pieces]
    except regex.BadPattern:  # a group that opens in one part and closes in the next
        return None
