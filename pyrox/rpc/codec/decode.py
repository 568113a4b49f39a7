"""JSON to protobuf messages, compiled once per descriptor.

The rules are Go's protojson with unknown fields discarded: names in camel or snake
case, unknown enum names ignored, 64-bit numbers as numbers or texts; what follows the
first value is ignored. A refusal is `Invalid` with the text that upstream's gateway
gives. Its callers are the gateway and Central's custom routes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from pyrox.errors import Invalid
from pyrox.rpc.codec import doubled, specials, syntax
from pyrox.rpc.codec.doubled import Again, pairs_of
from pyrox.rpc.codec.encode import is_map, submessage
from pyrox.rpc.codec.refusal import MAX_DEPTH, Ignored, Refused, unexpected
from pyrox.rpc.codec.registry import Registry
from pyrox.rpc.codec.scalars import READERS, int32

# Go's error prefix is deliberately unstable: a plain or a no-break space by build. The
# recorded one has the no-break space.
_PREFIX = "proto:\u00a0"
_GO_DURATION_FIELD = "v1.SuppressCVERequest.duration"

Read = Callable[[Any, Any, int], None]
Scalar = Callable[[Any], Any]


class Decoder:
    """Reads messages; keeps what it compiled."""

    def __init__(self) -> None:
        self._types: Registry[_Type] = Registry()

    def decode(self, body: bytes, message: Message) -> None:
        """Merge the body's first JSON value into the message; an empty body is no change.

        Raises `Invalid` with upstream's text.
        """
        try:
            plain = orjson.loads(body)
        except orjson.JSONDecodeError:
            body = syntax.first_value(body)
            if not body:
                return
            plain = _load(body)
        self._merge(doubled.parsed(body, plain), body, message)

    def _merge(self, plain: Any, body: bytes, message: Message) -> None:
        try:
            self.type_of(message.DESCRIPTOR).read(plain, message, 0)
        except Refused as refusal:
            path = refusal.path[::-1]
            line, column, raw = syntax.locate(body, path, at_key=refusal.at_key)
            kind = "syntax error " if refusal.syntactic else ""
            text = refusal.text.replace("{raw}", raw)
            raise Invalid(f"{_PREFIX}{kind}(line {line}:{column}): {text}") from None

    def type_of(self, descriptor: Any) -> _Type:
        """The compiled reader of a message type."""
        return self._types.get(
            descriptor.full_name,
            lambda: self._started(descriptor),
            lambda kind: kind.compile(descriptor, self),
        )

    def _started(self, descriptor: Descriptor) -> _Type:
        special = specials.table(self.inside_any, self.scalar).get(descriptor.full_name)
        return _Special(special) if special else _Type()

    def inside_any(self, value: Mapping[str, Any], message: Message, depth: int) -> None:
        """Read a message whose type stands beside its fields, or beside `value` for special types."""
        kind = self.type_of(message.DESCRIPTOR)
        kind.read(value.get("value") if isinstance(kind, _Special) else value, message, depth)

    def scalar(self, field: FieldDescriptor) -> Scalar:
        """The function from a JSON value to what the field takes."""
        if field.enum_type is not None:
            word, convert = "enum", _enum(field.enum_type)
        else:
            word, convert = READERS[field.type]
        text = f"invalid value for {word} field {field.json_name}: {{raw}}"

        def read(value: Any) -> Any:
            try:
                return convert(value)
            except (ValueError, OverflowError):
                raise Refused(text) from None

        return read


def _load(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        pass
    try:
        value.decode()
    except UnicodeDecodeError as err:
        line, column = value.count(b"\n", 0, err.start) + 1, err.start - value.rfind(b"\n", 0, err.start)
        raise Invalid(f"{_PREFIX}syntax error (line {line}:{column}): invalid UTF-8 in string") from None
    if value.count(b"[") + value.count(b"{") > MAX_DEPTH:
        raise Invalid(f"{_PREFIX}exceeded max recursion depth")
    raise Invalid(f"{_PREFIX}syntax error: invalid escape code or number out of range")


class _Slot:
    """One field: how to read it and what null means for it."""

    __slots__ = ("number", "oneof", "read", "takes_null")

    def __init__(self, field: FieldDescriptor, read: Read) -> None:
        self.number = field.number
        self.read = read
        oneof = field.containing_oneof
        self.oneof = None if oneof is None else oneof.full_name
        kind = field.message_type or field.enum_type
        self.takes_null = kind is not None and kind.full_name in {
            "google.protobuf.Value",
            "google.protobuf.NullValue",
        }


class _Type:
    """One message type, compiled."""

    def __init__(self) -> None:
        self._slots: dict[str, _Slot] = {}

    def compile(self, descriptor: Descriptor, decoder: Decoder) -> None:
        """Fill the table of fields, under both their names."""
        for field in descriptor.fields:
            slot = _Slot(field, _reader(field, decoder))
            self._slots[field.name] = slot
        for field in descriptor.fields:
            self._slots[field.json_name] = self._slots[field.name]

    def read(self, value: Any, message: Any, depth: int) -> None:
        """Merge a JSON object into the message. Raises `Refused`."""
        if not isinstance(value, dict):
            raise unexpected()
        if depth > MAX_DEPTH:
            raise Refused("exceeded max recursion depth")
        seen: set[int | str] = set()
        for key, item in pairs_of(value):
            slot = self._slots.get(key)
            if slot is None:
                continue
            try:
                self._field(slot, item, message, depth, seen)
            except Refused as refusal:
                refusal.path.append(key)
                raise

    @staticmethod
    def _field(slot: _Slot, item: Any, message: Any, depth: int, seen: set[int | str]) -> None:
        if slot.number in seen:
            raise Refused("duplicate field {raw}", at_key=True)
        seen.add(slot.number)
        if item is None and not slot.takes_null:
            return
        if slot.oneof is not None:
            if slot.oneof in seen:
                raise Refused(f"error parsing {{raw}}, oneof {slot.oneof} is already set", at_key=True)
            seen.add(slot.oneof)
        try:
            slot.read(item, message, depth)
        except Ignored:
            return


class _Special(_Type):
    """A type with a JSON form of its own."""

    def __init__(self, read: Read) -> None:
        self.read = read  # type: ignore[assignment,method-assign]  # known per type

    def compile(self, descriptor: Descriptor, decoder: Decoder) -> None:
        """Nothing is left to do."""


def _reader(field: FieldDescriptor, decoder: Decoder) -> Read:
    if field.full_name == _GO_DURATION_FIELD:
        return specials.go_duration(field.name)
    if is_map(field):
        return _map_reader(field, decoder)
    if field.is_repeated:
        return _list_reader(field, decoder)
    name = field.name
    if field.message_type is not None:
        kind = decoder.type_of(field.message_type)

        def read_message(value: Any, message: Any, depth: int) -> None:
            inner = getattr(message, name)
            inner.SetInParent()
            kind.read(value, inner, depth + 1)

        return read_message
    convert = decoder.scalar(field)
    return lambda value, message, _: setattr(message, name, convert(value))


def _list_reader(field: FieldDescriptor, decoder: Decoder) -> Read:
    name = field.name
    add = _message_adder(field, decoder) if field.message_type is not None else _scalar_adder(field, decoder)

    def read(value: Any, message: Any, depth: int) -> None:
        if type(value) is not list:
            raise unexpected()
        target = getattr(message, name)
        for index, item in enumerate(value):
            try:
                add(item, target, depth)
            except Ignored:
                continue
            except Refused as refusal:
                refusal.path.append(index)
                raise

    return read


def _message_adder(field: FieldDescriptor, decoder: Decoder) -> Read:
    kind = decoder.type_of(field.message_type)
    return lambda item, target, depth: kind.read(item, target.add(), depth + 1)


def _scalar_adder(field: FieldDescriptor, decoder: Decoder) -> Read:
    convert = decoder.scalar(field)
    return lambda item, target, _: target.append(convert(item))


def _map_reader(field: FieldDescriptor, decoder: Decoder) -> Read:
    name = field.name
    key_of = _map_key(submessage(field).fields_by_name["key"])
    put = _map_putter(submessage(field).fields_by_name["value"], decoder)

    def read(value: Any, message: Any, depth: int) -> None:
        if not isinstance(value, dict):
            raise unexpected()
        target = getattr(message, name)
        for key, item in pairs_of(value):
            try:
                if isinstance(key, Again):
                    raise Refused("duplicate map key {raw}", at_key=True)
                put(target, key_of(key), item, depth)
            except Ignored:
                continue
            except Refused as refusal:
                refusal.path.append(key)
                raise

    return read


def _map_putter(field: FieldDescriptor, decoder: Decoder) -> Callable[[Any, Any, Any, int], None]:
    if field.message_type is not None:
        kind = decoder.type_of(field.message_type)
        return lambda target, key, item, depth: kind.read(item, target[key], depth + 1)
    convert = decoder.scalar(field)
    return lambda target, key, item, _: target.__setitem__(key, convert(item))


def _map_key(field: FieldDescriptor) -> Callable[[str], Any]:
    if field.type == FieldDescriptor.TYPE_STRING:
        return str
    word, convert = READERS[field.type]

    def read(key: str) -> Any:
        try:
            if field.type == FieldDescriptor.TYPE_BOOL:
                return {"true": True, "false": False}[key]
            return convert(key)
        except (ValueError, KeyError):
            raise Refused(f"invalid value for {word} key: {{raw}}", at_key=True) from None

    return read


def _enum(descriptor: EnumDescriptor) -> Scalar:
    numbers: Mapping[str, int] = {value.name: value.number for value in descriptor.values}
    nullable = descriptor.full_name == "google.protobuf.NullValue"

    def read(value: Any) -> int:
        if type(value) is str:
            number = numbers.get(value)
            if number is None:
                raise Ignored
            return number
        if value is None and nullable:
            return 0
        return int32(value)

    return read
