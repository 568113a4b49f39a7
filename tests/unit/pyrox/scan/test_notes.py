"""What was not read, as one text and back."""

from __future__ import annotations

import pytest

from pyrox.scan.model import Note, NoteKind
from pyrox.scan.notes import MAX_LINES, from_text, partial, to_text

LARGE = Note(
    NoteKind.TOO_LARGE, "app/node_modules/a/package.json", "layer sha256:1: 9 bytes; at most 8 are read"
)
LAYER = Note(NoteKind.TRUNCATED, "usr/bin", "layer sha256:2: tar stream ends 7 bytes early", ends=True)


def test_text_names_kind_path_layer_and_limit() -> None:
    assert to_text((LARGE, LAYER)).split("\n") == [
        'too large "app/node_modules/a/package.json": layer sha256:1: 9 bytes; at most 8 are read',
        'truncated "usr/bin": layer sha256:2: tar stream ends 7 bytes early; nothing after it was read',
    ]
    assert to_text(()) == ""


@pytest.mark.parametrize(
    "note",
    [
        LARGE,
        LAYER,
        Note(NoteKind.LINK, ""),
        Note(NoteKind.MALFORMED, 'a": b\n"c\\', "x"),
        Note(NoteKind.UNPARSABLE_VERSION, "\x1b[2J\u202e\u2028", "1:2"),
    ],
)
def test_note_comes_back_from_its_text(note: Note) -> None:
    text = to_text((note,))
    assert text.isprintable()
    assert from_text(text) == (note,)


def test_hostile_details_stay_one_printable_line() -> None:
    text = to_text((Note(NoteKind.MALFORMED, "a", "b\nc\ud800\x07" + "d" * 10_000),))
    assert text.isprintable()
    assert text.encode().startswith(b'malformed "a": b c??ddd')
    assert len(text) < 600


def test_many_notes_are_counted() -> None:
    text = to_text((LARGE,) * (MAX_LINES + 5))
    assert text.endswith("\nand 5 more")
    assert from_text(text) == (LARGE,) * MAX_LINES


def test_half_a_character_does_not_leave_the_text() -> None:
    assert from_text('malformed "\\ud800x": y') == (Note(NoteKind.MALFORMED, "?x", "y"),)


@pytest.mark.parametrize(
    "text", ["", "failed to fetch layer: EOF", "malformed", 'malformed "a', 'nonsense "a": b', 'and "5" more']
)
def test_other_texts_are_no_notes(text: str) -> None:
    assert from_text(text) == ()


@pytest.mark.parametrize(
    ("notes", "wanted"),
    [
        ((), False),
        ((Note(NoteKind.MALFORMED, "a"), Note(NoteKind.UNSUPPORTED, "b")), False),
        ((Note(NoteKind.MALFORMED, "a", ends=True),), True),
        ((Note(NoteKind.TOO_MANY, "a"),), True),
        ((Note(NoteKind.TOO_DEEP, "a"),), True),
        ((LARGE,), True),
        ((Note(NoteKind.LINK, "a"), LAYER), True),
    ],
)
def test_limits_and_damaged_layers_make_a_report_partial(notes: tuple[Note, ...], wanted: bool) -> None:
    assert partial(notes) is wanted
