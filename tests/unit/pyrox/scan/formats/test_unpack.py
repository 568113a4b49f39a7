"""Compressed documents, and times written as text."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from pyrox.scan.formats import unpack
from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.model import NoteKind


def test_gzip_beyond_the_limit_or_cut_is_damage() -> None:
    packed = gzip.compress(b"x" * 1000)
    assert unpack.plain(packed, 1000) == b"x" * 1000
    for data, limit, kind in [
        (packed, 999, NoteKind.TOO_LARGE),
        (packed[:-9], 5000, NoteKind.TRUNCATED),
        (b"\x1f\x8b", 9, NoteKind.TRUNCATED),
    ]:
        with pytest.raises(StreamDamage) as caught:
            unpack.plain(data, limit)
        assert caught.value.kind is kind


def test_zip_documents_up_to_the_limit_are_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("folder/", b"")
        archive.writestr("fits", b"1234")
        archive.writestr("large", b"12345")
    fits, large = unpack.documents(buffer.getvalue(), 4)
    assert fits == ("fits", b"1234")
    assert isinstance(large[1], StreamDamage)
    assert large[1].kind is NoteKind.TOO_LARGE


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "yesterday", ""])
def test_time_that_is_none(text: str) -> None:
    assert unpack.time(text) is None
