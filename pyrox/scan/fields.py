"""Fields of protobuf messages as bytes, for messages that are put together from encoded parts.

`rendering` and `report` use it where a message object for each of thousands of parts would cost
too much. Numbers of fields are taken from descriptors, so that they cannot be wrong. Pure.
"""

from __future__ import annotations

import struct
from typing import Any, Final

_SEVEN_BITS: Final = 0x80
_FOURTEEN_BITS: Final = 0x4000
_FLOAT: Final = struct.Struct("<f")
# Wire types of the protobuf encoding.
_VARINT, _COUNTED, _FIXED = 0, 2, 5


def size(number: int) -> bytes:
    """A number that is not negative, as a varint."""
    if number < _SEVEN_BITS:
        return bytes((number,))
    if number < _FOURTEEN_BITS:
        return bytes((number & 0x7F | 0x80, number >> 7))
    out = bytearray()
    while number >= _SEVEN_BITS:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class Tags:
    """The tags of one message's fields, by their names."""

    def __init__(self, message: Any) -> None:
        """Read the numbers of a message class."""
        self._numbers = {field.name: field.number for field in message.DESCRIPTOR.fields}

    def counted(self, name: str) -> bytes:
        """Of a text or a message."""
        return size(self._numbers[name] << 3 | _COUNTED)

    def number(self, name: str) -> bytes:
        """Of a whole number."""
        return size(self._numbers[name] << 3 | _VARINT)

    def decimal(self, name: str) -> bytes:
        """Of a float."""
        return size(self._numbers[name] << 3 | _FIXED)


def text(tag: bytes, value: str) -> bytes:
    """A text; nothing when it is empty."""
    if not value:
        return b""
    data = value.encode()
    return tag + size(len(data)) + data


def message(tag: bytes, data: bytes) -> bytes:
    """A message, also an empty one."""
    return tag + size(len(data)) + data


def number(tag: bytes, value: int) -> bytes:
    """A whole number that is not negative; nothing when it is zero."""
    return tag + size(value) if value else b""


def decimal(tag: bytes, value: float) -> bytes:
    """A float; nothing when it is zero."""
    return tag + _FLOAT.pack(value) if value else b""
