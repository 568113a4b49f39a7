"""What was not read of an image, in one text: how the Indexer's notes travel to the Matcher.

Upstream's index report has no field for notes, but a text for its error, which upstream's
clients read only when the report failed. A report that succeeded carries its notes there, one a
line. The Matcher reads the lines back and tells whether the image was seen in part only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from pyrox.scan.model import Note, NoteKind

MAX_LINES: Final = 200
_MAX_SUBJECT: Final = 300
_MAX_DETAIL: Final = 500
_ENDS: Final = "; nothing after it was read"
_LIMITS: Final = frozenset({NoteKind.TOO_LARGE, NoteKind.TOO_MANY, NoteKind.TOO_DEEP, NoteKind.TRUNCATED})
_BY_TEXT: Final = {kind.value: kind for kind in NoteKind}
_DECODER: Final = json.JSONDecoder()


def to_text(notes: Sequence[Note]) -> str:
    """One line a note, `<kind> "<subject>": <detail>`; at most `MAX_LINES`, and how many more there are."""
    lines = [_line(note) for note in notes[:MAX_LINES]]
    if len(notes) > MAX_LINES:
        lines.append(f"and {len(notes) - MAX_LINES} more")
    return "\n".join(lines)


def from_text(text: str) -> tuple[Note, ...]:
    """The notes that `to_text` wrote; lines in another form are left out."""
    found = (_read(line) for line in text.split("\n")[:MAX_LINES])
    return tuple(note for note in found if note is not None)


def partial(notes: Iterable[Note]) -> bool:
    """Whether a limit or damage hid a part of the image: more than one file with bad content."""
    return any(note.ends or note.kind in _LIMITS for note in notes)


def _line(note: Note) -> str:
    # JSON's quoting ends where it ends, whatever a hostile path holds, and has no line ends.
    words = " ".join(note.detail.split())[:_MAX_DETAIL]
    detail = "".join(sign if sign.isprintable() else "?" for sign in words)
    return (
        f"{note.kind.value} {json.dumps(note.subject[:_MAX_SUBJECT])}: {detail}{_ENDS if note.ends else ''}"
    )


def _read(line: str) -> Note | None:
    word, quote, _ = line.partition(' "')
    kind = _BY_TEXT.get(word)
    if kind is None or not quote:
        return None
    try:
        subject, end = _DECODER.raw_decode(line, len(word) + 1)
    except json.JSONDecodeError:
        return None
    detail = line[end:].removeprefix(": ")
    name = str(subject).encode("utf-8", "replace").decode()  # the text may name half a character
    return Note(kind, name, detail.removesuffix(_ENDS), ends=detail.endswith(_ENDS))
