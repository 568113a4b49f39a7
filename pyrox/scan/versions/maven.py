"""Maven's version order, by the Version Order Specification of Maven 3.9 and later.

Older releases of Maven do not order versions totally (a word is below a list by type, while
nothing sorts between them), so no key could follow them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign
from pyrox.scan.versions.base import text as encode_text

_PIECES: Final = re.compile(r"[0-9]+|[^0-9._-]+|[._-]")
_SHORT: Final = {"a": "alpha", "b": "beta", "m": "milestone"}
_SAME: Final = {"cr": "rc", "ga": "", "final": "", "release": ""}
_KNOWN: Final = {"alpha": 1, "beta": 2, "milestone": 3, "rc": 4, "snapshot": 5, "": 6, "sp": 7}
_END, _OTHER, _AFTER_HYPHEN, _AFTER_DOT = 6, 8, 0x11, 0x21


class _Token(NamedTuple):
    hyphen: bool
    value: int | str


def _split(version: str) -> list[_Token]:
    """Tokens with their separators; empty ones become 0, a change of kind counts as a hyphen."""
    tokens: list[_Token] = []
    hyphen = False
    pending = True  # a separator (or the beginning) waits for its token
    pieces = _PIECES.findall(version)
    for index, piece in enumerate(pieces):
        if piece in "._-":
            if pending:
                tokens.append(_Token(hyphen, 0))
            hyphen, pending = piece == "-", True
            continue
        if not pending:
            hyphen = True
        follows = index + 1 < len(pieces) and pieces[index + 1][0] in "0123456789"
        tokens.append(_Token(hyphen, _value(piece, before_number=follows)))
        pending = False
    if pending:
        tokens.append(_Token(hyphen, 0))
    return tokens


def _value(piece: str, *, before_number: bool) -> int | str:
    if piece[0] in "0123456789":
        return int(piece)
    word = _SHORT.get(piece, piece) if before_number else piece
    return _SAME.get(word, word)


def tokens(version: str) -> list[_Token]:
    """The canonical tokens: qualifiers count as after a hyphen, null ones are dropped at the ends.

    Raises:
        InvalidVersion: the text is empty, overlong or holds a zero character.
    """
    check_length(version)
    stripped = version.strip().lower()
    if not stripped or "\x00" in stripped:
        raise InvalidVersion(f"{version!r}: not a Maven version")
    out: list[_Token] = []
    for token in _split(stripped):
        fixed = _Token(token.hyphen or isinstance(token.value, str), token.value)
        if fixed.hyphen:
            _drop_nulls(out)
        out.append(fixed)
    _drop_nulls(out)
    return out


def _drop_nulls(out: list[_Token]) -> None:
    while out and not out[-1].value:
        out.pop()


def _rank(token: _Token) -> tuple[int, int | str]:
    if isinstance(token.value, int):
        return (_AFTER_HYPHEN if token.hyphen else _AFTER_DOT, token.value)
    known = _KNOWN.get(token.value)
    return (_OTHER, token.value) if known is None else (known, 0)


def _padding(other: _Token) -> tuple[int, int | str]:
    """What a missing token counts as: 0 beside a `.number`, the release beside all else."""
    return (_AFTER_DOT, 0) if isinstance(other.value, int) and not other.hyphen else (_END, 0)


class Maven(Scheme):
    """The order of Maven 3.9's `ComparableVersion`."""

    name = "maven"

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion`."""
        one, two = tokens(a), tokens(b)
        for index in range(max(len(one), len(two))):
            left = _rank(one[index]) if index < len(one) else _padding(two[index])
            right = _rank(two[index]) if index < len(two) else _padding(one[index])
            if left != right:
                return sign(left, right)
        return 0

    def key(self, text: str) -> bytes:
        """Token by token; a middle zero is always followed by a number, hence above the end."""
        out = bytearray()
        for token in tokens(text):
            place, value = _rank(token)
            out.append(place)
            if place == _OTHER:
                out += encode_text(str(value))
            elif place > _OTHER:
                out += num(str(value))
        return bytes(out) + bytes((_END,))
