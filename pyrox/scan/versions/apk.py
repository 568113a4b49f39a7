"""Alpine's version order (apk-tools src/version.c).

`number{.number}{letter}{_suffix{number}}{~commit}{-r number}`. A letter may be followed by
a number (`5.1p1`): real packages have such versions, and apk-tools 2 orders them. A text
that leaves the grammar keeps the place that the tool gives it - below its valid beginning -
in `compare`, and has no key.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign, text

_PRE: Final = ("alpha", "beta", "pre", "rc")
_POST: Final = ("cvs", "svn", "git", "hg", "p")
_SUFFIXES: Final = {name: index for index, name in enumerate(_PRE + _POST)}

# The places of the tokens; where two versions differ in the kind of token, the lower place is
# the lower version. An early post-release suffix is above a number of a suffix, and so on.
_PRE_SUFFIX, _INVALID, _END, _REVISION, _COMMIT, _SUFFIX_NUMBER, _POST_SUFFIX, _LETTER, _DIGIT, _FIRST = (
    range(1, 11)
)
_STEP: Final = re.compile(
    r"(?P<dot>\.[0-9]+)|(?P<digits>[0-9]+)|(?P<letter>[a-z])|_(?P<suffix>[a-z]+)"
    r"|~(?P<commit>[0-9a-f]+)|-r(?P<revision>[0-9]+)"
)


class _Token(NamedTuple):
    place: int
    value: str


def _tokens(version: str) -> list[_Token]:
    check_length(version)
    first = re.match(r"[0-9]+", version)
    if first is None:
        raise InvalidVersion(f"{version!r}: an apk version begins with a digit")
    out = [_Token(_FIRST, first[0])]
    position = first.end()
    while position < len(version):
        step = _STEP.match(version, position)
        token = _classify(step, out[-1].place) if step else None
        if step is None or token is None:
            return [*out, _Token(_INVALID, "")]
        out.append(token)
        position = step.end()
    return [*out, _Token(_END, "")]


def _classify(step: re.Match[str], last: int) -> _Token | None:  # noqa: PLR0911 - one answer per token
    """The token that a step means after a token of place `last`, or None when it may not stand there."""
    group, value = step.lastgroup, step[step.lastgroup or 0]
    if group == "dot":
        return _Token(_DIGIT, value[1:]) if last >= _DIGIT else None
    if group == "digits":
        if last == _LETTER:
            return _Token(_DIGIT, value)
        return _Token(_SUFFIX_NUMBER, value) if last in (_PRE_SUFFIX, _POST_SUFFIX) else None
    if group == "letter":
        return _Token(_LETTER, value) if last >= _DIGIT else None
    if group == "suffix":
        if value not in _SUFFIXES or last in (_COMMIT, _REVISION):
            return None
        return _Token(_PRE_SUFFIX if value in _PRE else _POST_SUFFIX, value)
    if group == "commit":
        return _Token(_COMMIT, value) if last not in (_COMMIT, _REVISION) else None
    return _Token(_REVISION, value) if last != _REVISION else None


def _compare_value(place: int, a: str, b: str) -> int:
    if place == _DIGIT and "0" in (a[0], b[0]):
        return sign(a, b)  # a leading zero makes it a comparison of texts
    if place in (_FIRST, _DIGIT, _SUFFIX_NUMBER, _REVISION):
        return sign(int(a), int(b))
    if place in (_PRE_SUFFIX, _POST_SUFFIX):
        return sign(_SUFFIXES[a], _SUFFIXES[b])
    return sign(a, b)


def _encode(token: _Token) -> bytes:
    place, value = token
    head = bytes((place,))
    if place == _DIGIT:
        return head + (b"\x01" + text(value) if value[0] == "0" else b"\x02" + num(value))
    if place in (_FIRST, _SUFFIX_NUMBER, _REVISION):
        return head + num(value)
    if place in (_PRE_SUFFIX, _POST_SUFFIX):
        return head + bytes((_SUFFIXES[value],))
    return head if place == _END else head + text(value)


class Apk(Scheme):
    """The order of `apk version -t`."""

    name = "apk"

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion` for a text that does not begin with a digit."""
        for one, two in zip(_tokens(a), _tokens(b), strict=False):
            order = sign(one.place, two.place) or _compare_value(one.place, one.value, two.value)
            if order:
                return order
        return 0

    def key(self, text: str) -> bytes:
        """The tokens by place and value; raises `InvalidVersion` outside the grammar."""
        tokens = _tokens(text)
        if tokens[-1].place == _INVALID:
            raise InvalidVersion(f"{text!r}: not an apk version")
        return b"".join(map(_encode, tokens))
