"""A small JSON object read as Go's decoder reads it into a struct, with its refusals.

Routes whose errors clients show as they stand use it. As in Go (`encoding/json`): names
of fields match in any case, unknown ones are passed over, `null` leaves a field as it is,
the first value of the text counts and what follows it is not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn

from pyrox.errors import Invalid

_SPACE = " \t\r\n"
_LITERALS = ("true", "false", "null")
_GO_TYPES = {str: "string", bool: "bool"}
# Python's words for where it stopped, and Go's.
_PLACES = {
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Illegal trailing comma before end of object": "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Expecting ',' delimiter": "after object key:value pair",
    "Invalid control character at": "in string literal",
    "Invalid \\escape": "in string escape code",
}


def decode(body: bytes, name: str, fields: Mapping[str, type[str | bool]]) -> Mapping[str, str | bool]:
    """The fields that the text has. Raises `Invalid` with Go's words.

    `name` is the struct's package and name, `fields` its fields and their types.
    """
    value = _parsed(body.decode("utf-8", "replace").lstrip(_SPACE))
    if value is None:
        return {}
    if not isinstance(value, tuple):
        raise Invalid(f"json: cannot unmarshal {_kind(value)} into Go value of type {name}")
    known = {field.lower(): field for field in fields}
    found: dict[str, str | bool] = {}
    wrong = ""
    for key, one in value:
        field = known.get(key.lower())
        if field is None or one is None:
            continue
        if isinstance(one, fields[field]):
            found[field] = one
        elif not wrong:
            go_type = _GO_TYPES[fields[field]]
            place = f"{name.rpartition('.')[2]}.{field}"
            wrong = f"cannot unmarshal {_kind(one)} into Go struct field {place} of type {go_type}"
    if wrong:
        raise Invalid(f"json: {wrong}")
    return found


def _parsed(text: str) -> object:
    """The first value: objects as tuples of pairs, numbers as 0. Raises `Invalid`."""
    if not text:
        raise Invalid("EOF")
    decoder = json.JSONDecoder(
        object_pairs_hook=tuple, parse_constant=_no_constant, parse_int=_zero, parse_float=_zero
    )
    try:
        value: object = decoder.raw_decode(text)[0]
    except json.JSONDecodeError as error:
        raise Invalid(_reason(text, error)) from error
    except RecursionError as error:
        raise Invalid("exceeded max depth") from error
    return value


def _zero(_: str) -> float:
    # No field is a number; one of many digits must cost nothing.
    return 0.0


def _no_constant(word: str) -> NoReturn:
    raise Invalid(f"invalid character '{word.lstrip('-')[0]}' looking for beginning of value")


def _reason(text: str, error: json.JSONDecodeError) -> str:
    rest = text[error.pos :]
    cut = not rest.strip(_SPACE) or error.msg.startswith("Unterminated string")
    if cut or any(word.startswith(rest) for word in _LITERALS):
        return "unexpected EOF"
    place = _PLACES.get(error.msg, "looking for beginning of value")
    found = rest if place.startswith("in string") else rest.lstrip(_SPACE)
    return f"invalid character {_quoted(found[0])} {place}"


def _quoted(character: str) -> str:
    """As Go's `quoteChar`."""
    if character == "'":
        return "'\\''"
    if character == '"':
        return "'\"'"
    return f"'{character}'" if character.isprintable() else f"'{json.dumps(character)[1:-1]}'"


def _kind(value: object) -> str:
    kinds = {bool: "bool", str: "string", float: "number", list: "array", tuple: "object"}
    return kinds[type(value)]
