"""The 5-byte framing of gRPC messages, as gRPC-Web and gRPC-WebSocket carry it.

Both sides use it: `grpcweb.py` and `websocket.py` here, `roxctl` as a client. A frame
is a flag byte, a length of four bytes and the payload; flag 0x80 marks a block of
headers or trailers (stackrox/go-grpc-http1, PROTOCOL-WEB of gRPC).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from pyrox.errors import Exhausted, Invalid, Unimplemented

HEADER_BYTES = 5
COMPRESSED = 0x01
METADATA = 0x80
# On a WebSocket the client says with it that no more messages follow.
END_OF_STREAM = bytes((METADATA, 0, 0, 0, 0))
_HEADER = struct.Struct(">BI")
_GZIP_WINDOW = 47  # zlib: 15 bits plus 32 to detect zlib or gzip form
_ESCAPED = re.compile(rb"[^\x20-\x24\x26-\x7e]")


def frame(payload: bytes, flag: int = 0) -> bytes:
    """One frame."""
    return _HEADER.pack(flag, len(payload)) + payload


def frames(data: bytes, limit: int) -> Iterator[tuple[int, bytes]]:
    """Flag and payload of each frame of `data`.

    Raises `Exhausted` for a payload beyond the limit, `Invalid` for one cut short.
    """
    at = 0
    while at < len(data):
        if len(data) - at < HEADER_BYTES:
            raise Invalid("unexpected EOF in the header of a gRPC frame")
        flag, length = _HEADER.unpack_from(data, at)
        at += HEADER_BYTES
        if length > limit:
            raise too_large(length, limit)
        if len(data) - at < length:
            raise Invalid(f"a gRPC frame announces {length} bytes and {len(data) - at} follow")
        yield flag, data[at : at + length]
        at += length


def message_bytes(flag: int, payload: bytes, encoding: str, limit: int) -> bytes:
    """The message of a data frame, unpacked when it is compressed.

    Raises `Unimplemented` for an unknown encoding, `Exhausted` for too large a message.
    """
    if not flag & COMPRESSED:
        return payload
    if encoding not in {"gzip", "deflate"}:
        raise Unimplemented(f'grpc: Decompressor is not installed for grpc-encoding "{encoding}"')
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        message = unpacker.decompress(payload, limit + 1)
    except zlib.error as err:
        raise Invalid(f"grpc: failed to decompress the received message: {err}") from err
    if len(message) > limit:
        raise too_large(len(message), limit)
    if not unpacker.eof:
        raise Invalid("grpc: failed to decompress the received message: unexpected EOF")
    return message


def too_large(size: int, limit: int) -> Exhausted:
    """grpc-go's refusal of a message beyond the limit."""
    return Exhausted(f"grpc: received message larger than max ({size} vs. {limit})")


def encode_message(text: str) -> str:
    """The text as a `grpc-message` value: percent-encoded, printable ASCII only."""
    return _ESCAPED.sub(lambda match: f"%{match[0][0]:02X}".encode(), text.encode()).decode("ascii")


def decode_message(value: str) -> str:
    """The text of a `grpc-message` value."""
    return unquote(value, errors="replace")


def status_headers(code: int, message: str) -> list[tuple[str, str]]:
    """How a call ended, as headers or trailers."""
    headers = [("Grpc-Status", str(code))]
    if message:
        headers.append(("Grpc-Message", encode_message(message)))
    return headers


def block(headers: Iterable[tuple[str, str]]) -> bytes:
    """A frame of headers or trailers, in HTTP/1's form."""
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers)
    return frame(lines.encode("latin-1", "replace"), METADATA)


def parse_block(payload: bytes) -> dict[str, str]:
    """The headers of such a frame, keys in lower case."""
    headers: dict[str, str] = {}
    for line in payload.decode("latin-1").split("\r\n"):
        key, colon, value = line.partition(":")
        if colon:
            headers[key.strip().lower()] = value.strip()
    return headers
