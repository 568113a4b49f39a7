"""The framing of gRPC-Web: there and back, and hostile frames."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrox.errors import Exhausted, Invalid, Unimplemented
from pyrox.rpc import frames

LIMIT = 1000


@given(st.lists(st.tuples(st.sampled_from([0, 1, 0x80]), st.binary(max_size=50)), max_size=5))
def test_frames_read_what_frame_wrote(items: list[tuple[int, bytes]]) -> None:
    data = b"".join(frames.frame(payload, flag) for flag, payload in items)
    assert list(frames.frames(data, LIMIT)) == items


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x00\x00\x00\x05abc"])
def test_frames_cut_short_are_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        list(frames.frames(data, LIMIT))


def test_frames_beyond_the_limit_are_refused_before_they_are_read() -> None:
    with pytest.raises(Exhausted, match=r"received message larger than max \(4294967295 vs. 1000\)"):
        list(frames.frames(b"\x00\xff\xff\xff\xff", LIMIT))


def test_message_bytes_unpacks_gzip() -> None:
    assert frames.message_bytes(1, gzip.compress(b"abc"), "gzip", LIMIT) == b"abc"


def test_message_bytes_of_a_bomb_is_refused() -> None:
    with pytest.raises(Exhausted):
        frames.message_bytes(1, gzip.compress(bytes(10**7)), "gzip", LIMIT)


@pytest.mark.parametrize("payload", [b"nonsense", gzip.compress(b"abc", mtime=0)[:-9]])
def test_message_bytes_of_broken_gzip_is_refused(payload: bytes) -> None:
    with pytest.raises(Invalid):
        frames.message_bytes(1, payload, "gzip", LIMIT)


def test_message_bytes_of_unknown_encoding_is_refused() -> None:
    with pytest.raises(Unimplemented, match="zstd"):
        frames.message_bytes(1, b"", "zstd", LIMIT)


@given(st.text())
def test_encode_message_is_printable_and_reversible(text: str) -> None:
    encoded = frames.encode_message(text)
    assert all(" " <= char <= "~" for char in encoded)
    assert frames.decode_message(encoded) == text


def test_block_is_a_metadata_frame_of_header_lines() -> None:
    block = frames.block(frames.status_headers(3, "50% é"))
    [(flag, payload)] = frames.frames(block, LIMIT)
    assert (flag, payload) == (0x80, b"Grpc-Status: 3\r\nGrpc-Message: 50%25 %C3%A9\r\n")
    assert frames.parse_block(payload) == {"grpc-status": "3", "grpc-message": "50%25 %C3%A9"}


def test_status_headers_without_message_have_the_status_only() -> None:
    assert frames.status_headers(0, "") == [("Grpc-Status", "0")]
