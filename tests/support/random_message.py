"""Messages filled at random from a seed, of any type: input for the JSON codec's tests."""

from __future__ import annotations

import random
import struct
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_TEXTS = ("", "a", "é ☃", 'quote " and \\', "line\nbreak", "\u2028<&>", "x" * 70, "\x01\x7f")
_BOUNDS: dict[int, tuple[int, int]] = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def fill(message: Message, seed: int, depth: int = 4) -> Message:
    """Set about two thirds of the fields, inner messages down to `depth`."""
    _fill(message, random.Random(seed), depth)
    return message


def _fill(message: Any, source: random.Random, depth: int) -> None:
    special = _SPECIAL.get(message.DESCRIPTOR.full_name)
    if special is not None:
        special(message, source)
        return
    if message.DESCRIPTOR.full_name.startswith("google.protobuf.") and message.DESCRIPTOR.name in {
        "Struct",
        "Any",
    }:
        return
    for field in message.DESCRIPTOR.fields:
        if source.random() < 0.66:
            _set(message, field, source, depth)


def _set(message: Any, field: FieldDescriptor, source: random.Random, depth: int) -> None:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        _set_map(getattr(message, field.name), inner.fields_by_name, source, depth)
    elif inner is not None and depth > 0:
        for _ in range(source.randint(0, 2) if field.is_repeated else 1):
            target = getattr(message, field.name)
            target = target.add() if field.is_repeated else target
            target.SetInParent()
            _fill(target, source, depth - 1)
    elif inner is None and field.is_repeated:
        getattr(message, field.name).extend(_scalar(field, source) for _ in range(source.randint(0, 3)))
    elif inner is None:
        setattr(message, field.name, _scalar(field, source))


def _set_map(target: Any, entry: Any, source: random.Random, depth: int) -> None:
    for _ in range(source.randint(0, 3)):
        key = _scalar(entry["key"], source)
        if entry["value"].message_type is None:
            target[key] = _scalar(entry["value"], source)
        elif depth > 0:
            _fill(target[key], source, depth - 1)


def _scalar(field: FieldDescriptor, source: random.Random) -> Any:
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return source.random() < 0.5
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        assert field.enum_type is not None
        return source.choice(field.enum_type.values).number
    if kind == FieldDescriptor.CPPTYPE_STRING:
        is_bytes = field.type == FieldDescriptor.TYPE_BYTES
        return source.randbytes(source.randint(0, 7)) if is_bytes else source.choice(_TEXTS)
    if kind == FieldDescriptor.CPPTYPE_DOUBLE:
        return source.choice((0.0, 1.5, -2.0, 1e21, 1e-7, source.uniform(-1e9, 1e9)))
    if kind == FieldDescriptor.CPPTYPE_FLOAT:
        return struct.unpack(
            "<f", struct.pack("<f", source.choice((0.0, 7.5, 9.8, 0.1, source.uniform(-1e6, 1e6))))
        )[0]
    low, high = _BOUNDS[kind]
    return source.choice((0, 1, low, high, source.randint(low, high)))


def _timestamp(message: Any, source: random.Random) -> None:
    message.seconds = source.randint(-62135596800, 253402300799)
    message.nanos = source.choice((0, 1, 999_999_999, 500_000_000, 123_000, source.randrange(10**9)))


def _duration(message: Any, source: random.Random) -> None:
    sign = source.choice((1, -1))
    message.seconds = sign * source.randint(0, 10**6)
    message.nanos = sign * source.choice((0, 500_000_000, 1))


_SPECIAL = {"google.protobuf.Timestamp": _timestamp, "google.protobuf.Duration": _duration}
