"""Query parameters and path variables into request messages, by grpc-gateway's rules.

Used by the gateway only. Names may be the proto's or JSON's, dotted for fields of
fields; unknown names are ignored; error texts are upstream's.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from pyrox.errors import Invalid
from pyrox.rpc.codec import wellknown
from pyrox.rpc.codec.encode import is_map, submessage
from pyrox.rpc.codec.scalars import FLOAT32_MAX

# As many as Python's own web tools accept; upstream is limited by its header size.
MAX_PARAMETERS = 1000
_MAP_KEY = re.compile(r"(.*)\[(.*)\]", re.DOTALL)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_PLAIN = re.compile(r"[!-^`-~]+")  # Python's `float` also takes spaces, `_` and foreign digits
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_DEEPEST = 16


class _Bad(Exception):
    """A text that does not read as the field's type; the message is Go's."""


def populate(message: Message, query: bytes, taken: Iterable[str] = ()) -> None:
    """Set the fields that the query names, except below the `taken` field paths.

    Raises `Invalid` with upstream's text.
    """
    if not query:
        return
    skip = [tuple(path.split(".")) for path in taken]
    for key, values in _grouped(query).items():
        match = _MAP_KEY.fullmatch(key)
        name, given = (match[1], [match[2], *values]) if match else (key, values)
        path = tuple(name.split("."))
        if not any(path[: len(prefix)] == prefix for prefix in skip):
            _set_path(message, path, given)


def _grouped(query: bytes) -> Mapping[str, list[str]]:
    try:
        pairs = parse_qsl(
            query.decode("latin-1"),
            keep_blank_values=True,
            max_num_fields=MAX_PARAMETERS,
            encoding="utf-8",
            errors="replace",
        )
    except ValueError:
        raise Invalid(f"more than {MAX_PARAMETERS} query parameters") from None
    grouped: dict[str, list[str]] = {}
    for key, value in pairs:
        grouped.setdefault(key, []).append(value)
    return grouped


def set_variable(message: Message, path: str, value: str) -> None:
    """Set the field that a variable of the URL's path names. Raises `Invalid`."""
    target: Any = message
    *parents, last = path.split(".")
    for name in parents:
        target = getattr(target, name)
    try:
        setattr(target, last, _parse(target.DESCRIPTOR.fields_by_name[last], value))
    except _Bad as bad:
        raise Invalid(f"type mismatch, parameter: {path}, error: {bad}") from None


def _set_path(message: Any, path: tuple[str, ...], values: list[str]) -> None:
    target = message
    for depth, name in enumerate(path):
        field = _field(target, name)
        if field is None or depth > _DEEPEST:
            return
        _check_oneof(target, field)
        if depth == len(path) - 1:
            _set(target, field, values)
            return
        if field.message_type is None or field.is_repeated:
            raise Invalid(f'invalid path: "{name}" is not a message')
        target = getattr(target, field.name)
        target.SetInParent()


def _field(message: Any, name: str) -> FieldDescriptor | None:
    fields = message.DESCRIPTOR
    found: FieldDescriptor | None = fields.fields_by_name.get(name)
    return found or next((field for field in fields.fields if field.json_name == name), None)


def _check_oneof(message: Any, field: FieldDescriptor) -> None:
    oneof = field.containing_oneof
    if oneof is None or len(oneof.fields) == 1:
        return
    present = message.WhichOneof(oneof.name)
    if present is not None and (field.message_type is None or present != field.name):
        raise Invalid(f'field already set for oneof "{oneof.name}"')


def _set(message: Any, field: FieldDescriptor, values: list[str]) -> None:
    if is_map(field):
        _set_map(message, field, values)
        return
    if field.is_repeated:
        _extend(message, field, values)
        return
    if len(values) > 1:
        raise Invalid(f'too many values for field "{field.name}": {", ".join(values)}')
    try:
        if field.message_type is not None:
            _set_message(getattr(message, field.name), values[0])
        else:
            setattr(message, field.name, _parse(field, values[0]))
    except _Bad as bad:
        raise Invalid(f'parsing field "{field.name}": {bad}') from None


def _extend(message: Any, field: FieldDescriptor, values: list[str]) -> None:
    target = getattr(message, field.name)
    try:
        for value in values:
            if field.message_type is not None:
                _set_message(target.add(), value)
            else:
                target.append(_parse(field, value))
    except _Bad as bad:
        raise Invalid(f'parsing list "{field.name}": {bad}') from None


def _set_map(message: Any, field: FieldDescriptor, values: list[str]) -> None:
    if len(values) != 2:
        raise Invalid(f'more than one value provided for key "{values[0]}" in map "{field.full_name}"')
    entry = submessage(field).fields_by_name
    try:
        key, value = _parse(entry["key"], values[0]), values[1]
        target = getattr(message, field.name)
        if entry["value"].message_type is not None:
            _set_message(target[key], value)
        else:
            target[key] = _parse(entry["value"], value)
    except _Bad as bad:
        raise Invalid(f'parsing map value "{field.name}": {bad}') from None


def _integer(word: str, low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        signed = word == "ParseInt"
        if len(text) > 64 or not _INTEGER.fullmatch(text) or (not signed and text[0] in "+-"):
            raise _Bad(f'strconv.{word}: parsing "{text}": invalid syntax')
        number = int(text)
        if not low <= number <= high:
            raise _Bad(f'strconv.{word}: parsing "{text}": value out of range')
        return number

    return parse


def _float(largest: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = float(text) if len(text) <= 400 and _PLAIN.fullmatch(text) else None
        except ValueError:
            number = None
        if number is None:
            raise _Bad(f'strconv.ParseFloat: parsing "{text}": invalid syntax')
        if largest < abs(number) < float("inf"):
            raise _Bad(f'strconv.ParseFloat: parsing "{text}": value out of range')
        return number

    return parse


def _boolean(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _Bad(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def _bytes(text: str) -> bytes:
    for altchars, foreign in ((b"+/", "-_"), (b"-_", "+/")):
        if any(char in text for char in foreign):
            continue
        try:
            return base64.b64decode(text, altchars=altchars, validate=True)
        except (binascii.Error, ValueError):
            continue
    raise _Bad("illegal base64 data at input byte 0")


def _enum(descriptor: EnumDescriptor, text: str) -> int:
    by_name = descriptor.values_by_name.get(text)
    if by_name is not None:
        return int(by_name.number)
    if _INTEGER.fullmatch(text) and len(text) < 12 and int(text) in descriptor.values_by_number:
        return int(text)
    raise _Bad(f'"{text}" is not a valid value')


_INT32 = _integer("ParseInt", -(2**31), 2**31 - 1)
_UINT32 = _integer("ParseUint", 0, 2**32 - 1)
_INT64 = _integer("ParseInt", -(2**63), 2**63 - 1)
_UINT64 = _integer("ParseUint", 0, 2**64 - 1)
_PARSERS: Mapping[int, Callable[[str], Any]] = {
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
    FieldDescriptor.TYPE_FLOAT: _float(FLOAT32_MAX),
    FieldDescriptor.TYPE_DOUBLE: _float(float("inf")),
    FieldDescriptor.TYPE_BOOL: _boolean,
    FieldDescriptor.TYPE_STRING: str,
    FieldDescriptor.TYPE_BYTES: _bytes,
}


def _parse(field: FieldDescriptor, text: str) -> Any:
    if field.enum_type is not None:
        return _enum(field.enum_type, text)
    return _PARSERS[field.type](text)


def _set_message(message: Any, text: str) -> None:
    """The few message types that a query may carry."""
    name = message.DESCRIPTOR.full_name
    try:
        if name == "google.protobuf.Timestamp":
            message.seconds, message.nanos = wellknown.parse_timestamp(text)
        elif name == "google.protobuf.Duration":
            message.seconds, message.nanos = wellknown.parse_go_duration(text)
        elif name == "google.protobuf.FieldMask":
            message.paths.extend(text.split(","))
        elif name.startswith("google.protobuf.") and name.endswith("Value"):
            message.value = _parse(message.DESCRIPTOR.fields_by_name["value"], text)
        else:
            raise _Bad(f'unsupported message type: "{name}"')
    except ValueError:
        raise _Bad(f'"{text}" is not a valid {name.rpartition(".")[2].lower()}') from None
