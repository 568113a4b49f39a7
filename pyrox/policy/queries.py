"""Field queries: what a criterion asks of one search label.

Made by the builders below, which `pyrox.policy.fields` names per criterion; read by
`pyrox.policy.plan`. It must not know where a label lives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.policy import leaves, mapquery, values

_NANOS = 1_000_000_000
# A matcher of a moment also takes the present, in nanoseconds.
TimedMatcher = Callable[[Any, int], bool]


@dataclass(frozen=True, slots=True)
class Query:
    """Matchers for one label, joined by OR or AND and possibly negated.

    `timed` holds the age in nanoseconds that a moment must exceed; then there are no matchers.
    `either` says at once whether any matcher fits, where there is a quick way to know. `words`,
    where they are known, are the only usual texts (see `regex.words`) that the value, or its
    first part, must be one of.
    """

    label: str
    matchers: tuple[values.Matcher, ...] = ()
    every: bool = False
    negate: bool = False
    timed: int | None = None
    either: values.Matcher | None = None
    words: frozenset[str] | None = None

    def fits(self, value: Any, now: int) -> bool:
        """Whether a present value (a list for a leaf with many) fits."""
        if self.timed is not None:
            return older(value, now, self.timed)
        if isinstance(value, list):
            return self.fits_many(value)
        join = all if self.every else any
        return join(matcher(value) for matcher in self.matchers) != self.negate

    def fits_many(self, found: Sequence[Any]) -> bool:
        """Whether a list fits; an empty one fits only a negated query."""
        join = all if self.every else any
        return join(any(map(matcher, found)) for matcher in self.matchers) != self.negate

    def hits(self, found: Sequence[str]) -> list[str]:
        """The elements that explain why the list fits."""
        if self.negate:
            return list(found)
        return [one for one in found if any(matcher(one) for matcher in self.matchers)]


def older(stamp: Timestamp, now: int, age: int) -> bool:
    """Whether the moment lies more than `age` nanoseconds before `now`."""
    return stamp.seconds * _NANOS + stamp.nanos < now - age


Builder = Callable[[list[str], bool, bool], tuple[Query, ...]]


def simple(label: str, grammar: Callable[[str], values.Matcher], *more: Query) -> Builder:
    """One query with a matcher per value, and fixed queries beside it."""

    def build(texts: list[str], every: bool, negate: bool) -> tuple[Query, ...]:
        matchers = tuple(grammar(text) for text in texts)
        either = values.pattern_any(texts) if grammar is values.pattern else None
        words = None if negate else _words(grammar, texts)
        return (Query(label, matchers, every, negate, either=either, words=words), *more)

    return build


def _words(grammar: Callable[[str], values.Matcher], texts: list[str]) -> frozenset[str] | None:
    if grammar is values.pattern:
        return values.words_any(texts)
    if grammar is dockerfile:
        return values.first_words(texts)
    return None


# Every criterion on vulnerabilities means those that are neither snoozed nor excepted.
_VULN = (
    Query("CVE Suppressed", (values.boolean("false"),)),
    Query("Vulnerability State", (values.enum("OBSERVED", leaves.STATES),)),
)


def vuln(label: str, grammar: Callable[[str], values.Matcher]) -> Builder:
    """A query on vulnerabilities that are observed."""
    return simple(label, grammar, *_VULN)


def fixable(texts: list[str], every: bool, negate: bool) -> tuple[Query, ...]:
    """True asks for any fixed version, false for one that is set and empty."""
    matchers = tuple(_has_fix if _says_true(text) else _has_no_fix for text in texts)
    return (Query("Fixed By", matchers, every, negate), *_VULN)


def _has_fix(version: str) -> bool:
    return bool(version) and "\n" not in version


def _has_no_fix(version: str) -> bool:
    return not version


def _says_true(text: str) -> bool:
    return values.boolean(text)(True)


def fixed_by(text: str) -> values.Matcher:
    """An expression on the fixed version; `.*` asks for one that is not empty."""
    return values.pattern(".+" if text == ".*" else text)


def severity(text: str) -> values.Matcher:
    """A severity by its short name."""
    return values.enum(f"{text}_VULNERABILITY_SEVERITY", leaves.SEVERITIES)


def enum(numbers: dict[str, int], comparator: str = "") -> Callable[[str], values.Matcher]:
    """A grammar of enum names."""
    return lambda text: values.enum(text, numbers, comparator)


def integer(text: str) -> values.Matcher:
    """A whole number with a comparator."""
    return values.number(text, integral=True)


def unsigned(text: str) -> values.Matcher:
    """A whole number from zero up with a comparator."""
    return values.number(text, integral=True, unsigned=True)


def dockerfile(text: str) -> values.Matcher:
    """`INSTRUCTION=arguments`."""
    return values.compound(text, 2)


def environment(text: str) -> values.Matcher:
    """`SOURCE=KEY=VALUE`."""
    return values.compound(text, 3)


def upper_text(text: str) -> values.Matcher:
    """The general string grammar on the text in upper case."""
    return values.text(text.upper())


def age(label: str) -> Builder:
    """Older than so many days."""

    def build(texts: list[str], _every: bool, _negate: bool) -> tuple[Query, ...]:
        return (Query(label, timed=max(values.days(text) for text in texts)),)

    return build


def writable(*more: Query) -> Builder:
    """Mounted for writing (true) or read-only (false)."""

    def build(texts: list[str], every: bool, negate: bool) -> tuple[Query, ...]:
        matchers = tuple(values.boolean("false" if _says_true(text) else "true") for text in texts)
        return (Query("Volume ReadOnly", matchers, every, negate), *more)

    return build


HOST_PATH = Query("Volume Type", (values.text("HostPath"),))


def required(label: str) -> Builder:
    """No pair of the map fits. Several values, whatever the operator, ask that none of them does."""

    def build(texts: list[str], every: bool, negate: bool) -> tuple[Query, ...]:
        conditions = [mapquery.must_lack([text]) for text in texts] if every else [mapquery.must_lack(texts)]
        return (Query(label, tuple(mapquery.compile_map(one) for one in conditions), every, negate),)

    return build


def disallowed(label: str) -> Builder:
    """A pair of the map fits."""
    return simple(label, mapquery.compile_map)


def drop_capabilities(texts: list[str], every: bool, _negate: bool) -> tuple[Query, ...]:
    """What must be dropped is not; dropping ALL drops each of them."""
    label = "Drop Capabilities"
    query = Query(label, tuple(values.exact(text) for text in texts), every, negate=True)
    if any(text.upper() == "ALL" for text in texts):
        return (query,)
    return query, Query(label, (values.exact("ALL"),), negate=True)


def not_verified(texts: list[str], every: bool, _negate: bool) -> tuple[Query, ...]:
    """None of the signature integrations vouches for the image."""
    matchers = tuple(values.exact(text) for text in texts)
    return (Query("Image Signature Verified By", matchers, every, negate=True),)
