"""Messages as Go's `encoding/json` prints generated structs, which upstream's scannerctl does.

Field names are the proto's own, empty fields are left out, enums are numbers, a timestamp is
its two numbers, maps are sorted by key, and `<`, `>`, `&` are escaped. This is not protobuf's
own JSON form.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_INDENT: Final = "  "
_ESCAPES: Final = {
    "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029",
}  # fmt: skip
_TABLE: Final = str.maketrans(_ESCAPES)


def dumps(message: Message) -> str:
    """The message as indented text, without a line end."""
    return "".join(_value(plain(message), "\n"))


def plain(message: Message) -> dict[str, Any]:
    """The message as a value of JSON, fields in the order of the proto."""
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            of = field.message_type.fields_by_name["value"]
            entries = {str(key): _one(of, item) for key, item in value.items()}
            if entries:
                found[field.name] = dict(sorted(entries.items()))
        elif field.is_repeated:
            if len(value):
                found[field.name] = [_one(field, item) for item in value]
        elif field.message_type is not None:
            if message.HasField(field.name):
                found[field.name] = plain(value)
        elif value:
            found[field.name] = _one(field, value)
    return found


def _one(field: Any, value: Any) -> Any:
    """One item; `field` is a descriptor of either implementation of protobuf."""
    if field.message_type is not None:
        return plain(value)
    return _Single(value) if field.type == FieldDescriptor.TYPE_FLOAT else value


class _Single(float):
    """A number of 32 bits, which prints with as few digits as tell it from its neighbours."""


def _value(value: Any, line: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _block("{}", line, ((_text(key) + ": ", item) for key, item in value.items()))
    elif isinstance(value, list):
        yield from _block("[]", line, (("", item) for item in value))
    elif isinstance(value, bool) or value is None:
        yield json.dumps(value)
    elif isinstance(value, float):
        yield _number(value)
    elif isinstance(value, int):
        yield str(value)
    else:
        yield _text(str(value))


def _block(brackets: str, line: str, items: Iterator[tuple[str, Any]]) -> Iterator[str]:
    inner, first = line + _INDENT, True
    yield brackets[0]
    for head, item in items:
        yield (inner if first else f",{inner}") + head
        yield from _value(item, inner)
        first = False
    yield brackets[1] if first else line + brackets[1]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).translate(_TABLE)


def _number(value: float) -> str:
    """As Go: plain digits from 1e-6 to 1e21, an exponent without a leading zero outside."""
    shortest = repr(float(value))
    if isinstance(value, _Single):
        bits = struct.pack("f", value)
        texts = (f"{value:.{digits}g}" for digits in range(1, 10))
        shortest = next((t for t in texts if struct.pack("f", float(t)) == bits), shortest)
    number = float(shortest)
    digits, _, exponent = shortest.partition("e")
    if number and not 1e-6 <= abs(number) < 1e21:
        return f"{digits.removesuffix('.0')}e{int(exponent):+03d}".replace("e-0", "e-")
    if exponent:
        places = max(0, len(digits.replace("-", "").replace(".", "")) - 1 - int(exponent))
        return f"{number:.{places}f}"
    return shortest.removesuffix(".0")
