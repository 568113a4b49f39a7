"""Severity words and CVSS vectors: scores, and the normalised severity that reports carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError

from pyrox.scan.advisories.model import Severity

_MAX_VECTOR: Final = 512
# claircore's words (severity.go) and what upstream's report makes of them (mappers.go).
_WORDS: Final = {
    "unknown": Severity.UNSPECIFIED,
    "negligible": Severity.LOW,
    "low": Severity.LOW,
    "moderate": Severity.MODERATE,
    "medium": Severity.MODERATE,
    "important": Severity.IMPORTANT,
    "high": Severity.IMPORTANT,
    "critical": Severity.CRITICAL,
}


@dataclass(frozen=True, slots=True)
class Score:
    """A vector with its base score; `major` is 2, 3 or 4."""

    major: int
    base: float
    vector: str


def from_word(word: str) -> Severity:
    """The severity of a word, without regard to case; unspecified for any other text."""
    return _WORDS.get(word.strip().lower(), Severity.UNSPECIFIED)


def is_word(word: str) -> bool:
    """True for a word of severity, false for a vector."""
    return word.strip().lower() in _WORDS


def score(vector: str) -> Score | None:
    """The vector's base score; None when it is no CVSS vector."""
    text = vector.strip()
    if not text or len(text) > _MAX_VECTOR:
        return None
    try:
        if text.startswith("CVSS:4"):
            return Score(4, float(CVSS4(text).base_score), text)
        if text.startswith("CVSS:3"):
            return Score(3, float(CVSS3(text).scores()[0]), text)
        return Score(2, float(CVSS2(text).scores()[0]), text)
    except (CVSSError, ValueError, KeyError):
        return None


def from_score(value: float) -> Severity:
    """The qualitative rating of CVSS 3 (specification, section 5); 0 counts as low."""
    if value < 4:
        return Severity.LOW
    if value < 7:
        return Severity.MODERATE
    return Severity.IMPORTANT if value < 9 else Severity.CRITICAL
