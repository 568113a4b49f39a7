"""User patterns on RE2, with short cuts for the patterns that people really write.

Called by `pyrox.policy.values` and `pyrox.policy.scope`. It must not know criteria. A short
cut is taken only for patterns that RE2 is known to accept, and answers only where it provably
agrees with RE2 (ASCII text without a newline). Policies repeat each other's patterns, so a
test is made once for each.
"""

from __future__ import annotations

import re as _shape  # our own constant patterns only, never a user's
from collections.abc import Callable
from functools import cache, lru_cache

import re2

# Longer patterns are refused before RE2 sees them: the longest useful one is far below.
MAX_PATTERN_LENGTH = 64 * 1024
# Verdicts remembered per pattern, and their texts' characters in all; policies meet the same
# names again and again.
_MEMORY, _MEMORY_CHARACTERS = 2048, 256 * 1024
# Compiled patterns that are kept: default policies have some 450 different ones.
_PATTERNS = 4096
# So short a pattern of plain text cannot be too large for RE2, which then need not be asked.
_SURELY_SMALL = 4096

Test = Callable[[str], bool]

_SAFE = _shape.compile(r"(?:[A-Za-z0-9 _/:@,=;%&#~'\"<>-]|\\[^A-Za-z0-9\n])*\Z", _shape.ASCII)
_ESCAPE = _shape.compile(r"\\(.)")
_ANY = ".*"


class BadPattern(ValueError):
    """RE2 cannot compile the pattern."""


@lru_cache(maxsize=_PATTERNS)
def whole(pattern: str) -> Test:
    """A test for texts that match the pattern from end to end, in either case."""
    return _build(pattern, f"^(?i:{pattern})$", _simple_whole(pattern))


@lru_cache(maxsize=_PATTERNS)
def contains(pattern: str) -> Test:
    """A test for texts that contain a match of the pattern, in either case."""
    literal = _literal(pattern)
    quick = None if literal is None else (lambda text: literal in text)
    return _build(pattern, f"(?i:{pattern})", quick)


@lru_cache(maxsize=_PATTERNS)
def sensitive(expression: str) -> Test:
    """A test with the expression exactly as written, searched anywhere."""
    return _build(expression, expression, None)


def forget() -> None:
    """Compile every pattern anew from now on, so that the work can be measured."""
    for remembered in (whole, contains, sensitive, _simple_whole):
        remembered.cache_clear()
    re2.purge()


def is_simple(pattern: str) -> bool:
    """Whether the pattern means alternatives of plain texts, each with `.*` at its ends or not."""
    return len(pattern) <= _SURELY_SMALL and _simple_whole(pattern) is not None


def words(pattern: str) -> frozenset[str] | None:
    """The texts, in lower case, that alone fit the pattern; None where it is not so plain.

    Texts outside ASCII and with a newline are not told: they may fit by other rules.
    """
    branches = pattern.split("|")
    texts = [_literal(branch) for branch in branches] if len(pattern) <= _SURELY_SMALL else [None]
    if any(text is None or branch.endswith("\\") for text, branch in zip(texts, branches, strict=False)):
        return None
    return frozenset(text for text in texts if text is not None)


def _build(pattern: str, expression: str, quick: Test | None) -> Test:
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise BadPattern(f"pattern is longer than {MAX_PATTERN_LENGTH} characters")
    slow = _Slow(expression)
    if quick is None or len(pattern) > _SURELY_SMALL:
        slow.compile()
    if quick is None:
        return slow.fits
    fast, fits = quick, slow.fits

    def guarded(text: str) -> bool:
        if text.isascii() and "\n" not in text:
            return fast(text.lower())
        return fits(text)

    return guarded


@cache
def _options() -> re2.Options:
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    return options


class _Slow:
    """An expression on RE2, with a memory of verdicts; compiled when it is first needed."""

    __slots__ = ("_characters", "_expression", "_search", "_seen")

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._search: Callable[[bytes], object] | None = None
        self._seen: dict[str, bool] = {}
        self._characters = 0

    def compile(self) -> Callable[[bytes], object]:
        try:
            self._search = re2.compile(self._expression.encode(), _options()).search
        except (re2.error, UnicodeEncodeError) as error:
            detail = error.args[0] if error.args else error
            text = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
            raise BadPattern(text) from error
        return self._search

    def fits(self, text: str) -> bool:
        known = self._seen.get(text)
        if known is not None:
            return known
        search = self._search or self.compile()
        found = search(text.encode(errors="replace")) is not None
        self._remember(text, found=found)
        return found

    def _remember(self, text: str, *, found: bool) -> None:
        self._characters += len(text)
        if len(self._seen) >= _MEMORY or self._characters > _MEMORY_CHARACTERS:
            self._seen.clear()
            self._characters = len(text)
        self._seen[text] = found


def _literal(pattern: str) -> str | None:
    """The pattern's only text in lower case, if it has just one; else None."""
    if not pattern.isascii() or not _SAFE.match(pattern):
        return None
    return (_ESCAPE.sub(r"\1", pattern) if "\\" in pattern else pattern).lower()


@lru_cache(maxsize=_PATTERNS)
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
        if left:
            (middles if right else tails).append(text)
        elif right:
            heads.append(text)
        else:
            exact.add(text)
    return _union(frozenset(exact), tuple(heads), tuple(tails), tuple(middles))


def _union(
    exact: frozenset[str], heads: tuple[str, ...], tails: tuple[str, ...], middles: tuple[str, ...]
) -> Test:
    if "" in heads or "" in tails or "" in middles:
        return lambda text: True  # noqa: ARG005  `.*` takes every line
    if not (heads or tails or middles):
        return exact.__contains__
    if not middles:
        return lambda text: text in exact or text.startswith(heads) or text.endswith(tails)

    def test(text: str) -> bool:
        # A loop and not any(): this runs for every variable of every container.
        for middle in middles:
            if middle in text:
                return True
        return text in exact or text.startswith(heads) or text.endswith(tails)

    return test
