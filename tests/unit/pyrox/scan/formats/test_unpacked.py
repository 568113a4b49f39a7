"""Decompression: every format, many members, damage, bombs."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable

import pytest
import zstandard

from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.formats.unpacked import Unpacked
from pyrox.scan.model import NoteKind

SKIPPED = b"\x5f\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
DATA = os.urandom(700_000) + bytes(3_000_000) + b"end"


def unpack(raw: bytes, **limits: int) -> bytes:
    stream = Unpacked(io.BytesIO(raw), compressed=len(raw), **limits)
    return io.BufferedReader(stream, 65536).read()


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (DATA, DATA),
        (b"", b""),
        (gzip.compress(DATA), DATA),
        (gzip.compress(DATA) + gzip.compress(b"more") + bytes(512), DATA + b"more"),
        (zstandard.compress(DATA), DATA),
        (zstandard.compress(DATA) + zstandard.compress(b"more"), DATA + b"more"),
        (zstandard.ZstdCompressor(write_content_size=False).compress(DATA), DATA),
        (SKIPPED + zstandard.compress(DATA) + SKIPPED, DATA),
        (b"P*M and so on", b"P*M and so on"),
    ],
    ids=[
        "plain",
        "empty",
        "gzip",
        "gzip members",
        "zstd",
        "zstd frames",
        "zstd without size",
        "zstd with frames of user data",
        "nearly zstd",
    ],
)
def test_stream_gives_the_bytes_back(raw: bytes, wanted: bytes) -> None:
    assert unpack(raw) == wanted


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("cut", [1, 8, 300_000])
def test_stream_that_ends_early_is_an_error(compress: Callable[[bytes], bytes], cut: int) -> None:
    raw = compress(DATA)
    with pytest.raises(StreamDamage, match="it ends in the middle") as caught:
        unpack(raw[:-cut])
    assert caught.value.kind is NoteKind.TRUNCATED


@pytest.mark.parametrize(
    "compress", [gzip.compress, zstandard.ZstdCompressor(write_checksum=True).compress], ids=["gzip", "zstd"]
)
def test_stream_that_is_damaged_is_an_error(compress: Callable[[bytes], bytes]) -> None:
    raw = bytearray(compress(DATA))
    raw[len(raw) // 2 : len(raw) // 2 + 64] = b"\xff" * 64
    with pytest.raises(StreamDamage, match="its compressed data are damaged") as caught:
        unpack(bytes(raw))
    assert caught.value.kind is NoteKind.MALFORMED


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_bomb_stops_at_its_bound(compress: Callable[[bytes], bytes]) -> None:
    raw = compress(bytes(64 << 20))
    with pytest.raises(StreamDamage, match="it unpacks to more than 1048576 bytes") as caught:
        unpack(raw, free_bytes=1 << 20, ratio=1)
    assert caught.value.kind is NoteKind.TOO_LARGE
    with pytest.raises(StreamDamage, match="more than 2097152"):
        unpack(raw, most_bytes=2 << 20)
    assert len(unpack(raw, free_bytes=64 << 20)) == 64 << 20


def test_zstd_with_a_giant_window_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=30, write_content_size=False)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(StreamDamage, match="damaged"):
        unpack(stream.compress(bytes(1 << 20)) + stream.flush())


def test_many_empty_gzip_members_cost_no_more_than_their_bytes() -> None:
    """A copy of all that follows, for each member, would outlast the test's own limit of time."""
    member = gzip.compress(b"")
    raw = gzip.compress(b"first") + member * 100_000 + gzip.compress(b"last")
    assert unpack(raw) == b"firstlast"


@pytest.mark.parametrize("room", [1, 7, 258, 1000])
def test_gzip_whose_input_ends_before_its_output_is_whole(room: int) -> None:
    """The library may have taken all input and still hold output."""
    data = bytes(100_003) + b"end"
    stream = Unpacked(io.BytesIO(gzip.compress(data)), compressed=1)
    found = bytearray()
    while piece := stream.read(room):
        found += piece
    assert bytes(found) == data
