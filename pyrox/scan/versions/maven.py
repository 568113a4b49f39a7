"""Maven's version order: `ComparableVersion` of Maven 3.9 (maven-artifact 3.9.11 to 3.9.16).

A version is a list of numbers and words; a hyphen, and a change between digits and letters,
open a list inside it, always as its last item. Items compare word < list < number, and a
missing item counts as the release. That is no total order (`1.x.1 < 1-alpha < 1 < 1.x.1`),
so no key can follow it everywhere. Versions without a key are those that such circles need:
a word that ranks above the release in the middle of a list (`1.x.1`), a zero before a word
of its own list (`1.0.alpha.1`), a list that holds but a pre-release (`0-alpha`), and a zero
written with ten digits or more, which Maven takes for greater than 999999999. The exact
comparator still orders them, as Maven does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final, NamedTuple

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign
from pyrox.scan.versions.base import text as encode_text

_PIECES: Final = re.compile(r"[0-9]+|[.-]|[^0-9.-]+")
# Java counts these as digits (Character.isDigit) or as two characters; no release has them.
_STRANGE: Final = re.compile(r"[^\x00-\x7f]")
_SHORT: Final = {"a": "alpha", "b": "beta", "m": "milestone"}
_SAME: Final = {"cr": "rc", "ga": "", "final": "", "release": ""}
_KNOWN: Final = {"alpha": 0, "beta": 1, "milestone": 2, "rc": 3, "snapshot": 4, "": 5, "sp": 6}
_RELEASE, _OTHER = 5, 7
_INT_DIGITS, _LONG_DIGITS = 9, 18  # MAX_INTITEM_LENGTH, MAX_LONGITEM_LENGTH

# What may stand at one place of a list, in the order of the keys.
_PRE_WORD, _PRE_LIST, _END, _POST_WORD, _POST_LIST, _NUMBER = range(1, 7)


class _Number(NamedTuple):
    """A run of digits: longer classes (int, long, unbounded) are above shorter ones."""

    width: int
    value: int

    def against_nothing(self) -> int:
        return 1 if self.value else 0


class _Word(NamedTuple):
    """A qualifier: its place among the known ones, and its letters where it is none of them."""

    rank: int
    letters: str

    def against_nothing(self) -> int:
        return sign(self.rank, _RELEASE)


_Item = _Number | _Word
_Lists = list[list[_Item]]


def parse(version: str) -> _Lists:
    """The lists from the outermost inwards, without the nulls that Maven's normal form drops.

    Raises:
        InvalidVersion: the text is empty, overlong, or holds a digit or letter that is
            not of Unicode's basic plane.
    """
    check_length(version)
    if not version or any(c.isdecimal() or c > "\uffff" for c in _STRANGE.findall(version)):
        raise InvalidVersion(f"{version!r}: not a Maven version")
    lists = _split(_PIECES.findall(version.lower()))
    for items in lists:
        while items and not items[-1].against_nothing():
            items.pop()
    while len(lists) > 1 and not lists[-1]:
        lists.pop()
    return lists


def _split(pieces: Sequence[str]) -> _Lists:
    lists: _Lists = [[]]
    waiting = ""
    for piece in pieces:
        if piece in {".", "-"}:
            lists[-1].append(_item(waiting or "0"))
            waiting = ""
            if piece == "-":
                lists.append([])
            continue
        if waiting:
            _close(lists, waiting, before_digits=piece[0] in "0123456789")
        waiting = piece
    if waiting:
        if waiting[0] not in "0123456789" and lists[-1]:
            lists.append([])
        lists[-1].append(_item(waiting))
    return lists


def _close(lists: _Lists, waiting: str, *, before_digits: bool) -> None:
    """Put down what stands before a change between digits and letters, and open a list."""
    if before_digits:
        if lists[-1]:
            lists.append([])
        waiting = _SHORT.get(waiting, waiting)
    lists[-1].append(_item(waiting))
    lists.append([])


def _item(piece: str) -> _Item:
    if piece[0] in "0123456789":
        size = len(piece.lstrip("0")) or len(piece)
        return _Number((size > _INT_DIGITS) + (size > _LONG_DIGITS), int(piece))
    word = _SAME.get(piece, piece)
    rank = _KNOWN.get(word, _OTHER)
    return _Word(rank, word if rank == _OTHER else "")


def _list_against_nothing(lists: _Lists, level: int) -> int:
    """The first item from there inwards that is not as good as a missing one."""
    return next((order for i in chain(*lists[level:]) if (order := i.against_nothing())), 0)


def _kind(lists: _Lists, level: int, place: int) -> int:
    """0 nothing, 1 word, 2 list, 3 number: what stands at a place of a list."""
    items = lists[level]
    if place < len(items):
        return 1 if isinstance(items[place], _Word) else 3
    return 2 if place == len(items) and level + 1 < len(lists) else 0


def _compare(a: _Lists, b: _Lists) -> int:
    level = place = 0
    while True:
        one, two = _kind(a, level, place), _kind(b, level, place)
        if one == two == 0:
            return 0
        if one == two == 2:
            level, place = level + 1, 0
            continue
        if not one:
            order = -_against_nothing(b, level, place)
        elif not two:
            order = _against_nothing(a, level, place)
        else:
            order = sign(one, two) or sign(a[level][place], b[level][place])
        if order:
            return order
        place += 1


def _against_nothing(lists: _Lists, level: int, place: int) -> int:
    if place < len(lists[level]):
        return lists[level][place].against_nothing()
    return _list_against_nothing(lists, level + 1)


def _encode(items: Sequence[_Item]) -> bytes:
    """The items of one list; a list has a key when its places are ordered without a circle."""
    out = bytearray()
    zero = False
    for place, item in enumerate(items):
        if isinstance(item, _Number):
            zero = not item.value
            if zero and item.width:
                raise InvalidVersion("a zero of ten digits has no place among the numbers")
            out.append(_NUMBER)
            out += num(str(item.value))
            continue
        if item.rank == _RELEASE or zero or (place and item.rank > _RELEASE):
            raise InvalidVersion("a word in the middle of a list has no place among the lists")
        out += bytes((_PRE_WORD if item.rank < _RELEASE else _POST_WORD, item.rank))
        out += encode_text(item.letters) if item.rank == _OTHER else b""
    return bytes(out)


class Maven(Scheme):
    """The order of Maven 3.9's `ComparableVersion`."""

    name = "maven"
    key_version = 2

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion`."""
        return _compare(parse(a), parse(b))

    def key(self, text: str) -> bytes:
        """List by list; raises `InvalidVersion` where Maven's order goes in circles."""
        lists = parse(text)
        parts = [bytes((_END,))]
        later = 0  # how the list inside compares with nothing, from the innermost outwards
        for level in range(len(lists) - 1, -1, -1):
            items = lists[level]
            if later < 0 and not items:
                raise InvalidVersion(f"{text!r}: a pre-release alone has no place among the words")
            if level + 1 < len(lists):
                parts.append(bytes((_POST_LIST if later > 0 else _PRE_LIST,)))
            parts.append(_encode(items))
            later = next((order for i in items if (order := i.against_nothing())), later)
        return b"".join(reversed(parts))
