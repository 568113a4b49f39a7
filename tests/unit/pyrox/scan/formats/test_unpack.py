"""Compressed documents, and times written as text."""

from __future__ import annotations

import bz2
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


def test_gzip_of_several_members_is_read_whole() -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two")
    assert unpack.plain(packed, 7) == b"one two"
    assert unpack.plain(packed + b"\x00padding", 7) == b"one two"
    with pytest.raises(StreamDamage, match="more than 6 bytes") as caught:
        unpack.plain(packed, 6)
    assert caught.value.kind is NoteKind.TOO_LARGE


def test_gzip_of_endless_members_is_damage() -> None:
    assert unpack.plain(gzip.compress(b"") * 100) == b""
    with pytest.raises(StreamDamage, match="more than 100 gzip members"):
        unpack.plain(gzip.compress(b"") * 101)


def test_gzip_with_a_damaged_second_member_is_damage() -> None:
    for second in (gzip.compress(b"two")[:-3], b"\x1f\x8b\x00"):
        with pytest.raises(StreamDamage, match="gzip"):
            unpack.plain(gzip.compress(b"one") + second)


@pytest.mark.parametrize("data", [b"", b"plain", b"\x1f", b"\x00\x1f\x8b"])
def test_data_that_is_no_gzip_passes_as_it_is(data: bytes) -> None:
    assert unpack.plain(data, 1) == data


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_zip_member_damaged_in_any_method_is_its_own_damage(method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("good", b"content")
        archive.writestr("bad", bytes(range(256)) * 2)
    data = bytearray(buffer.getvalue())
    start = data.index(b"bad") + 3
    data[start + 9 : start + 30] = b"\xff" * 21
    good, bad = unpack.documents(bytes(data))
    assert good == ("good", b"content")
    assert isinstance(bad[1], StreamDamage)
    assert bad[1].kind is NoteKind.MALFORMED


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06", b"x" * 100, b"PK\x05\x06" + b"\xff" * 18])
def test_zip_that_is_none_is_damage(data: bytes) -> None:
    with pytest.raises(StreamDamage, match="zip:"):
        list(unpack.documents(data))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-06T03:15:43Z", "2024-01-06T03:15:43+00:00"),
        ("2024-01-06T03:15:43.990", "2024-01-06T03:15:43.990000+00:00"),
        ("2024-01-06", "2024-01-06T00:00:00+00:00"),
        ("2024-01-06T03:15:43+02:00", "2024-01-06T03:15:43+02:00"),
        ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00+00:00"),
    ],
)
def test_time_in_the_forms_of_the_feeds(text: str, expected: str) -> None:
    value = unpack.time(text)
    assert value is not None
    assert value.isoformat() == expected


def test_bzip2_with_one_stream_or_several_is_unpacked() -> None:
    assert unpack.plain(bz2.compress(b"a") + bz2.compress(b"b")) == b"ab"


@pytest.mark.parametrize(
    ("data", "limit", "kind"),
    [
        (bz2.compress(bytes(1_000_000)), 1000, NoteKind.TOO_LARGE),
        (bz2.compress(b"text")[:-3], 1000, NoteKind.TRUNCATED),
        (b"BZh9 this is none", 1000, NoteKind.MALFORMED),
        (bz2.compress(b"") * 101, 1000, NoteKind.TOO_MANY),
    ],
)
def test_bzip2_bomb_and_damage_end_the_reading(data: bytes, limit: int, kind: NoteKind) -> None:
    with pytest.raises(StreamDamage) as caught:
        unpack.plain(data, limit)
    assert caught.value.kind is kind


def test_member_without_a_name_does_not_lose_the_others() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("b/", b"")
        archive.writestr("c", b"3")
    data = bytearray(out.getvalue())
    # The central directory's record of the first member: its name's length, and the name itself.
    place = data.index(b"PK\x01\x02")
    data[place + 28 : place + 30] = b"\x00\x00"
    del data[place + 46 : place + 47]
    end = data.index(b"PK\x05\x06")
    data[end + 12 : end + 16] = (int.from_bytes(data[end + 12 : end + 16], "little") - 1).to_bytes(
        4, "little"
    )
    found = dict(unpack.documents(bytes(data)))
    assert sorted(found) == ["", "c"]
    assert found["c"] == b"3"
