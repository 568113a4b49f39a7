"""Protobuf messages to JSON, compiled once per descriptor.

A message type becomes one closure over a template of its unset fields and a table of
converters; a message costs one copy of the template and one step for each field that
is set. The form is Go's protojson with `EmitUnpopulated`: every field is rendered,
`null` for unset messages, and unset members of a oneof (proto3 `optional` included)
are left out. Its caller is the gateway; it must not know what a message is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from pyrox.rpc.codec import wellknown
from pyrox.rpc.codec.registry import Registry
from pyrox.rpc.codec.scalars import WRITERS

Convert = Callable[[Any], Any]
ToPlain = Callable[[Any], Any]

# A slice this long encodes in about two milliseconds, which is what one answer may
# take from the event loop at a time.
SLICE_BYTES = 64 * 1024
_UNSET = object()


class Encoder:
    """Renders messages; keeps what it compiled."""

    def __init__(self) -> None:
        self._types: Registry[_Type] = Registry()

    def plain(self, message: Message) -> Any:
        """The message as dictionaries, lists and scalars."""
        return self._type(message.DESCRIPTOR).plain(message)

    def encode(self, message: Message, *, pretty: bool = False) -> bytes:
        """The message's JSON; `pretty` indents by two spaces."""
        return orjson.dumps(self.plain(message), option=orjson.OPT_INDENT_2 if pretty else None)

    def pieces(self, message: Message, limit: int = SLICE_BYTES) -> Iterator[bytes]:
        """The same JSON in slices that are each made from about `limit` bytes at most.

        Only a single field longer than that makes a longer slice.
        """
        kind = self._type(message.DESCRIPTOR)
        if kind.special or message.ByteSize() <= limit:
            yield orjson.dumps(kind.plain(message))
            return
        before = b"{"
        for name, value, field in kind.fields_of(message):
            yield before + orjson.dumps(name) + b":"
            yield from self._field_pieces(field, value, limit)
            before = b","
        yield b"}"

    def _field_pieces(self, field: FieldDescriptor | None, value: Any, limit: int) -> Iterator[bytes]:
        if field is None or field.message_type is None or is_map(field):
            yield orjson.dumps(value if field is None else self._converted(field, value))
        elif field.is_repeated:
            yield from self._list_pieces(value, limit)
        else:
            yield from self.pieces(value, limit)

    def _converted(self, field: FieldDescriptor, value: Any) -> Any:
        convert = self.converter(field)
        return value if convert is None else convert(value)

    def _list_pieces(self, messages: Iterable[Message], limit: int) -> Iterator[bytes]:
        before = b"["
        for group in _groups(messages, limit):
            yield before
            if len(group) == 1:
                yield from self.pieces(group[0], limit)
            else:
                yield orjson.dumps([self.plain(message) for message in group])[1:-1]
            before = b","
        yield b"]"

    def _type(self, descriptor: Any) -> _Type:
        return self._types.get(
            descriptor.full_name, lambda: self._started(descriptor), lambda kind: kind.compile(self)
        )

    def _started(self, descriptor: Descriptor) -> _Type:
        special = wellknown.encoders(self.plain).get(descriptor.full_name)
        return _Special(special) if special else _Type(descriptor)

    def converter(self, field: FieldDescriptor) -> Convert | None:
        """How to render a value of the field; None when it is plain already."""
        if is_map(field):
            return self._map_converter(field)
        single = self._single(field)
        if not field.is_repeated:
            return single
        if single is None:
            return list
        return lambda values: [single(value) for value in values]

    def _single(self, field: FieldDescriptor) -> Convert | None:
        if field.message_type is not None:
            return self._type(field.message_type).plain
        if field.enum_type is not None:
            return _enum_converter(field)
        return WRITERS.get(field.type)

    def _map_converter(self, field: FieldDescriptor) -> Convert:
        entry = submessage(field)
        key, convert = entry.fields_by_name["key"], self._single(entry.fields_by_name["value"])
        name: Callable[[Any], str] = _bool_key if key.type == FieldDescriptor.TYPE_BOOL else str
        if convert is None:
            return lambda values: {name(key): values[key] for key in sorted(values)}
        return lambda values: {name(key): convert(values[key]) for key in sorted(values)}


class _Type:
    """One message type, compiled."""

    special = False

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        self._slots: dict[int, tuple[str, Convert | None]] = {}
        self._template: dict[str, Any] = {}
        self._members: tuple[str, ...] = ()
        self.plain: ToPlain = self._not_compiled

    def _not_compiled(self, message: Any) -> Any:
        # A recursive type's converter reaches this bound method before `compile` ends.
        return self.plain(message)

    def compile(self, encoder: Encoder) -> None:
        """Fill the tables; `plain` works from here on."""
        for field in self._descriptor.fields:
            self._template[field.json_name] = _empty(field)
            self._slots[field.number] = (field.json_name, encoder.converter(field))
        self._members = tuple(f.json_name for f in self._descriptor.fields if f.containing_oneof is not None)
        self.plain = self._closure()

    def _closure(self) -> ToPlain:
        template, slots, members = self._template, self._slots, self._members

        def plain(message: Message) -> dict[str, Any]:
            rendered = template.copy()
            for field, value in message.ListFields():
                name, convert = slots[field.number]
                rendered[name] = value if convert is None else convert(value)
            for name in members:
                if rendered[name] is _UNSET:
                    del rendered[name]
            return rendered

        return plain

    def fields_of(self, message: Message) -> Iterator[tuple[str, Any, FieldDescriptor | None]]:
        """Name, value and descriptor of every rendered field; no descriptor when unset."""
        populated = {field.number: value for field, value in message.ListFields()}
        for field in self._descriptor.fields:
            if field.number in populated:
                yield field.json_name, populated[field.number], field
            elif self._template[field.json_name] is not _UNSET:
                yield field.json_name, self._template[field.json_name], None


class _Special(_Type):
    """A type with a JSON form of its own, such as a timestamp."""

    special = True

    def __init__(self, plain: ToPlain) -> None:
        self.plain = plain

    def compile(self, encoder: Encoder) -> None:
        """Nothing is left to do."""


def is_map(field: FieldDescriptor) -> bool:
    """Whether the field is a map, which descriptors show as repeated entries."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def submessage(field: FieldDescriptor) -> Descriptor:
    """The type of a message field."""
    if field.message_type is None:
        raise TypeError(f"{field.full_name} holds no message")
    return field.message_type


def _groups(messages: Iterable[Message], limit: int) -> Iterator[list[Message]]:
    """Neighbours whose sizes add up to the limit."""
    group: list[Message] = []
    size = 0
    for message in messages:
        one = message.ByteSize()
        if group and size + one > limit:
            yield group
            group, size = [], 0
        group.append(message)
        size += one
    if group:
        yield group


def _empty(field: FieldDescriptor) -> Any:
    """What an unset field shows."""
    if is_map(field):
        return {}
    if field.is_repeated:
        return []
    if field.containing_oneof is not None:
        return _UNSET
    if field.message_type is not None:
        return None
    if field.enum_type is not None:
        return _enum_converter(field)(field.default_value)
    convert = WRITERS.get(field.type)
    return field.default_value if convert is None else convert(field.default_value)


def _enum_converter(field: FieldDescriptor) -> Convert:
    if field.enum_type is None:
        raise TypeError(field.full_name)
    if field.enum_type.full_name == "google.protobuf.NullValue":
        return lambda _: None
    names: Mapping[int, str] = {value.number: value.name for value in reversed(field.enum_type.values)}
    return lambda number: names.get(number, number)


def _bool_key(key: bool) -> str:
    return "true" if key else "false"
