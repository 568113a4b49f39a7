"""User patterns on RE2, with short cuts for the patterns that people really write.

Called by `pyrox.policy.values` and `pyrox.policy.scope`. It must not know criteria. Every
pattern is compiled by RE2 first, so a short cut never accepts what RE2 refuses; the short
cut answers only where it provably agrees with RE2 (ASCII text without a newline).
"""

from __future__ import annotations

import re as _shape  # our own constant patterns only, never a user's
from collections.abc import Callable

import re2

# Longer patterns are refused before RE2 sees them: the longest useful one is far below.
MAX_PATTERN_LENGTH = 64 * 1024
# Verdicts remembered per pattern; policies meet the same names again and again.
_MEMORY = 2048

Test = Callable[[str], bool]

_SAFE = _shape.compile(r"(?:[A-Za-z0-9 _/:@,=;%&#~'\"<>-]|\\[^A-Za-z0-9\n])*\Z", _shape.ASCII)
_ESCAPE = _shape.compile(r"\\(.)")
_ANY = ".*"


class BadPattern(ValueError):
    """RE2 cannot compile the pattern."""


def whole(pattern: str) -> Test:
    """A test for texts that match the pattern from end to end, in either case."""
    return _build(pattern, f"^(?i:{pattern})$", _simple_whole(pattern))


def contains(pattern: str) -> Test:
    """A test for texts that contain a match of the pattern, in either case."""
    literal = _literal(pattern)
    quick = None if literal is None else (lambda text: literal in text)
    return _build(pattern, f"(?i:{pattern})", quick)


def sensitive(expression: str) -> Test:
    """A test with the expression exactly as written, searched anywhere."""
    return _build(expression, expression, None)


def _build(pattern: str, expression: str, quick: Test | None) -> Test:
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise BadPattern(f"pattern is longer than {MAX_PATTERN_LENGTH} characters")
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    try:
        compiled = re2.compile(expression.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        detail = error.args[0] if error.args else error
        text = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        raise BadPattern(text) from error
    search = compiled.search
    seen: dict[str, bool] = {}

    def slow(text: str) -> bool:
        known = seen.get(text)
        if known is None:
            if len(seen) >= _MEMORY:
                seen.clear()
            known = seen[text] = search(text.encode(errors="replace")) is not None
        return known

    if quick is None:
        return slow
    fast = quick

    def guarded(text: str) -> bool:
        if text.isascii() and "\n" not in text:
            return fast(text.lower())
        return slow(text)

    return guarded


def _literal(pattern: str) -> str | None:
    """The pattern's only text in lower case, if it has just one; else None."""
    if not pattern.isascii() or not _SAFE.match(pattern):
        return None
    return _ESCAPE.sub(r"\1", pattern).lower()


def _simple_whole(pattern: str) -> Test | None:
    """A test for alternations of `text`, `.*text`, `text.*` and `.*text.*`; else None."""
    exact: set[str] = set()
    heads: list[str] = []
    tails: list[str] = []
    middles: list[str] = []
    for branch in pattern.split("|"):
        core = branch
        left = core.startswith(_ANY)
        core = core[len(_ANY) :] if left else core
        right = core.endswith(_ANY) and not core.endswith("\\" + _ANY)
        core = core[: -len(_ANY)] if right else core
        text = _literal(core)
        if text is None or core.endswith("\\"):
            return None
        {(False, False): exact.add, (False, True): heads.append, (True, False): tails.append}.get(
            (left, right), middles.append
        )(text)
    return _union(frozenset(exact), tuple(heads), tuple(tails), tuple(middles))


def _union(
    exact: frozenset[str], heads: tuple[str, ...], tails: tuple[str, ...], middles: tuple[str, ...]
) -> Test:
    if "" in heads or "" in tails or "" in middles:
        return lambda text: True  # noqa: ARG005  `.*` takes every line
    if not (heads or tails or middles):
        return exact.__contains__
    return lambda text: (
        text in exact
        or text.startswith(heads)
        or text.endswith(tails)
        or any(middle in text for middle in middles)
    )
