"""The reader that ends with damage instead of filling memory."""

from __future__ import annotations

import io

import pytest

from pyrox.scan.formats.bounded import BoundedReader, StreamDamage
from pyrox.scan.model import NoteKind


@pytest.mark.parametrize("sizes", [[-1], [3, 3, 3], [100], [1] * 6, [0, 5, 0]])
def test_stream_up_to_the_limit_passes_whole(sizes: list[int]) -> None:
    reader = BoundedReader(io.BytesIO(b"abcde"), 5)
    assert b"".join(reader.read(size) for size in sizes) == b"abcde"
    assert (reader.read(), reader.count) == (b"", 5)


@pytest.mark.parametrize("size", [-1, 1, 6, 1_000_000])
def test_stream_above_the_limit_is_damage_at_the_first_byte_too_many(size: int) -> None:
    reader = BoundedReader(io.BytesIO(b"abcdefgh"), 5)
    got: list[bytes] = []
    with pytest.raises(StreamDamage, match="more than 5 bytes after decompression") as caught:
        got.extend(iter(lambda: reader.read(size), None))
    assert (caught.value.kind, caught.value.detail) == (NoteKind.TOO_LARGE, str(caught.value))
    assert reader.count == 6
    assert b"abcde".startswith(b"".join(got))
