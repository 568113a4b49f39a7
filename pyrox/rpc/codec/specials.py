"""Readers of the well-known types' JSON forms, for `decode.py` only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyrox.rpc.codec import wellknown
from pyrox.rpc.codec.doubled import Again, pairs_of
from pyrox.rpc.codec.refusal import MAX_DEPTH, Refused, unexpected

Read = Callable[[Any, Any, int], None]
Scalar = Callable[[Any], Any]


def text_reader(full_name: str, parse: Callable[[str], tuple[int, int]]) -> Read:
    """For timestamps and durations."""

    def read(value: Any, message: Any, _: int) -> None:
        if type(value) is not str:
            raise unexpected()
        try:
            message.seconds, message.nanos = parse(value)
        except wellknown.OutOfRange:
            raise Refused(f"{full_name} value out of range: {{raw}}") from None
        except ValueError:
            raise Refused(f"invalid {full_name} value {{raw}}") from None

    return read


def go_duration(name: str) -> Read:
    """The reader of the one field for which old clients send Go's duration text."""
    standard = text_reader("google.protobuf.Duration", wellknown.parse_duration)

    def read(value: Any, message: Any, depth: int) -> None:
        target = getattr(message, name)
        target.SetInParent()
        try:
            target.seconds, target.nanos = wellknown.parse_go_duration(value if type(value) is str else "")
        except ValueError:
            standard(value, target, depth)

    return read


def _mask(value: Any, message: Any, _: int) -> None:
    if type(value) is not str:
        raise unexpected()
    if "_" in value:
        raise Refused("google.protobuf.FieldMask contains invalid path: {raw}")
    message.paths.extend(wellknown.snake(path) for path in value.split(",") if value)


def _struct(value: Any, message: Any, depth: int) -> None:
    if not isinstance(value, dict):
        raise unexpected()
    message.SetInParent()
    for key, item in pairs_of(value):
        if isinstance(key, Again):
            refusal = Refused("duplicate map key {raw}", at_key=True)
            refusal.path.append(key)
            raise refusal
        _within(key, item, message.fields[key], depth)


def _list_value(value: Any, message: Any, depth: int) -> None:
    if type(value) is not list:
        raise unexpected()
    message.SetInParent()
    for index, item in enumerate(value):
        _within(index, item, message.values.add(), depth)


def _within(step: str | int, item: Any, message: Any, depth: int) -> None:
    try:
        _value(item, message, depth + 1)
    except Refused as refusal:
        refusal.path.append(step)
        raise


def _value(value: Any, message: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused("exceeded max recursion depth")
    if value is None:
        message.null_value = 0
    elif type(value) is bool:
        message.bool_value = value
    elif type(value) is str:
        message.string_value = value
    elif isinstance(value, dict):
        _struct(value, message.struct_value, depth)
    elif type(value) is list:
        _list_value(value, message.list_value, depth)
    else:
        message.number_value = value


def _any(inside: Read) -> Read:
    def read(value: Any, message: Any, depth: int) -> None:
        if not isinstance(value, dict):
            raise unexpected()
        if not value:
            return
        address = value.get("@type")
        kind = wellknown.message_type(address) if type(address) is str else None
        if kind is None:
            raise Refused(f'unable to resolve "{address}": not found' if address else 'missing "@type" field')
        inner = kind()
        inside(value, inner, depth + 1)
        message.type_url = address
        message.value = inner.SerializeToString(deterministic=True)

    return read


def _wrapper(name: str, scalar: Callable[[Any], Scalar]) -> Read:
    field = wellknown.message_type(f"/google.protobuf.{name}Value")
    convert = scalar(field.DESCRIPTOR.fields_by_name["value"]) if field is not None else None

    def read(value: Any, message: Any, _: int) -> None:
        if convert is not None:
            message.value = convert(value)

    return read


def table(inside_any: Read, scalar: Callable[[Any], Scalar]) -> Mapping[str, Read]:
    """By full name of the type; the two functions read what is inside an `Any` or a wrapper."""
    readers: dict[str, Read] = {
        "google.protobuf.Timestamp": text_reader("google.protobuf.Timestamp", wellknown.parse_timestamp),
        "google.protobuf.Duration": text_reader("google.protobuf.Duration", wellknown.parse_duration),
        "google.protobuf.FieldMask": _mask,
        "google.protobuf.Struct": _struct,
        "google.protobuf.ListValue": _list_value,
        "google.protobuf.Value": _value,
        "google.protobuf.Any": _any(inside_any),
    }
    for name in wellknown.WRAPPERS:
        readers[f"google.protobuf.{name}Value"] = _wrapper(name, scalar)
    return readers
