"""The search language: `Label:value,value+Label:value` as a tree, and back.

Servicers parse the text of a request, stores add terms of their own, `search.py`
compiles the result. It must not know tables: whether a label exists is the compiler's
question, and an unknown one is ignored there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from pyrox.errors import Invalid

# Bounds on hostile text; the longest query that upstream's portal builds is far below.
MAX_TEXT = 1 << 18
MAX_VALUES = 20_000


class Form(Enum):
    """How a value is compared."""

    PLAIN = "plain"
    """Case-insensitive prefix; numbers, times, enums and booleans read it their own way."""
    EXACT = "exact"
    REGEX = "regex"
    ANY = "any"
    NULL = "null"


_WORDS = {"*": Form.ANY, "-": Form.NULL}


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a term with its modifiers taken off."""

    text: str
    form: Form = Form.PLAIN
    negated: bool = False
    at_least_one: bool = False
    """`!!`: some element of a list differs, where `!` means that none matches."""

    @classmethod
    def parse(cls, raw: str) -> Value:
        """Read the modifiers of one value."""
        for prefix in ("!!", "!"):
            if raw.startswith(prefix) and len(raw) > len(prefix):
                inner = cls._bare(raw[len(prefix) :])
                return Value(inner.text, inner.form, negated=True, at_least_one=prefix == "!!")
        return cls._bare(raw)

    @classmethod
    def _bare(cls, raw: str) -> Value:
        """A value without negation."""
        if raw in _WORDS:
            return Value("", _WORDS[raw])
        if raw.startswith("r/"):
            return Value(raw[2:], Form.REGEX)
        if len(raw) >= 2 and raw[0] == raw[-1] == '"':
            return Value(raw[1:-1], Form.EXACT)
        return Value(raw)

    def __str__(self) -> str:
        prefix = "!!" if self.at_least_one else "!" if self.negated else ""
        match self.form:
            case Form.ANY:
                return prefix + "*"
            case Form.NULL:
                return prefix + "-"
            case Form.REGEX:
                return f"{prefix}r/{self.text}"
            case Form.EXACT:
                return f'{prefix}"{self.text}"'
        return prefix + self.text


@dataclass(frozen=True, slots=True)
class Term:
    """One label with the values of which one must match."""

    label: str
    values: tuple[Value, ...]

    def __str__(self) -> str:
        return f"{self.label}:{','.join(map(str, self.values))}"


@dataclass(frozen=True, slots=True)
class Query:
    """Terms that must all hold; the empty query matches everything."""

    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Query:
        """Read the text of a request; the empty text gives the empty query.

        A pair without value is dropped; of a repeated label the last pair counts.
        Raises `Invalid` when the text is too long or no pair can be found in it.
        """
        if len(text) > MAX_TEXT:
            raise Invalid(f"the query is longer than {MAX_TEXT} characters; narrow it")
        terms: dict[str, Term] = {}
        for label, raw in _pairs(text):
            values = tuple(Value.parse(part) for part in _split(raw, ","))
            if len(values) > MAX_VALUES:
                raise Invalid(f"the query has more than {MAX_VALUES} values for {label!r}; narrow it")
            terms.pop(label.lower(), None)
            terms[label.lower()] = Term(label, values)
        return cls(tuple(terms.values()))

    @classmethod
    def exact(cls, label: str, *values: str) -> Query:
        """The label equals one of the values; no value at all matches nothing."""
        return cls((Term(label, tuple(Value(value, Form.EXACT) for value in values)),))

    @classmethod
    def match(cls, label: str, *values: str) -> Query:
        """The label matches one of the values, each written as in a request."""
        return cls((Term(label, tuple(Value.parse(value) for value in values)),))

    def mentions(self, label: str) -> bool:
        """Whether a term has this label, in any case of letters."""
        return any(term.label.lower() == label.lower() for term in self.terms)

    def without(self, label: str) -> Query:
        """The same without the terms of this label."""
        return Query(tuple(term for term in self.terms if term.label.lower() != label.lower()))

    def __and__(self, other: Query) -> Query:
        """Both must hold; a label may then occur twice."""
        return Query(self.terms + other.terms)

    def __str__(self) -> str:
        return "+".join(map(str, self.terms))


EVERY = Query()


def completion(text: str) -> tuple[Query, Term]:
    """A text that somebody is still writing: its finished pairs, and the last one to complete.

    Of the last pair only the last value counts, which may be empty. Raises `Invalid`
    when the text has no pair.
    """
    if len(text) > MAX_TEXT:
        raise Invalid(f"the query is longer than {MAX_TEXT} characters; narrow it")
    pieces = _joined(text)
    label, colon, raw = pieces[-1].partition(":")
    if not colon:
        raise Invalid.because(f"query {text[:200]!r} has no pair of the form Label:value")
    before = "+".join(pieces[:-1])
    last = list(_split(raw, ","))[-1]
    return Query.parse(before), Term(label.strip(), (Value.parse(last),))


def _split(text: str, separator: str) -> Iterator[str]:
    """The parts between separators that are not inside double quotes, trimmed."""
    start, quoted = 0, False
    for position, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            yield text[start:position].strip()
            start = position + 1
    yield text[start:].strip()


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Label and raw values; a `+` separates only when a `:` follows before the next `+`."""
    pieces = _joined(text)
    if text.strip() and not any(_has_colon(piece) for piece in pieces):
        raise Invalid.because(f"query {text[:200]!r} has no pair of the form Label:value")
    for piece in pieces:
        label, colon, raw = piece.partition(":")
        if colon and raw.strip():
            yield label.strip(), raw.strip()


def _joined(text: str) -> list[str]:
    """The pairs of a text, unread."""
    pieces: list[str] = []
    for piece in _split_raw(text):
        if pieces and not _has_colon(piece):
            pieces[-1] += "+" + piece
        else:
            pieces.append(piece)
    return pieces


def _split_raw(text: str) -> Iterator[str]:
    start, quoted = 0, False
    for position, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == "+" and not quoted:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def _has_colon(piece: str) -> bool:
    return ":" in re.sub(r'"[^"]*"?', "", piece)
