"""JSON forms of the well-known types, both ways.

Used by `encode.py` and `decode.py` only. Upstream fails a whole answer when one
timestamp is out of range; here that one value is `null`, so that a bad object cannot
hide the others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from pyrox.rpc.codec.scalars import WRITERS, base64_text, double

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND, _LAST_SECOND = -62135596800, 253402300799  # years 1 to 9999
_NANOS = 1_000_000_000
# google/protobuf/duration.proto: about 10,000 years.
_MAX_DURATION = 315_576_000_000
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_DURATION = re.compile(r"([+-]?)(\d*)(?:\.(\d{0,9}))?s", re.ASCII)
_GO_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_GO_UNITS = {
    "ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000,
    "s": _NANOS, "m": 60 * _NANOS, "h": 3600 * _NANOS,
}  # fmt: skip
_INT64_DIGITS = 19
WRAPPERS = ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")


class OutOfRange(ValueError):
    """The text is well formed and its value is not allowed."""


def encoders(plain: Callable[[Message], Any]) -> Mapping[str, Callable[[Any], Any]]:
    """By full name of the type; `plain` renders a message inside an `Any`."""
    table: dict[str, Callable[[Any], Any]] = {
        "google.protobuf.Timestamp": timestamp_text,
        "google.protobuf.Duration": duration_text,
        "google.protobuf.FieldMask": _mask_text,
        "google.protobuf.Struct": _struct,
        "google.protobuf.ListValue": lambda message: [_value(item) for item in message.values],
        "google.protobuf.Value": _value,
        "google.protobuf.Any": lambda message: _any(message, plain),
    }
    for name in WRAPPERS:
        table[f"google.protobuf.{name}Value"] = _wrapper
    return table


def _fraction(nanos: int) -> str:
    """Go shows 0, 3, 6 or 9 digits."""
    if not nanos:
        return ""
    text = f".{nanos:09d}"
    for _ in range(2):
        text = text.removesuffix("000")
    return text


def timestamp_text(message: Any) -> str | None:
    """RFC 3339 in UTC, or None when the year is not in 1 to 9999."""
    if not (_FIRST_SECOND <= message.seconds <= _LAST_SECOND and 0 <= message.nanos < _NANOS):
        return None
    moment = _EPOCH + timedelta(seconds=message.seconds)
    return f"{moment.isoformat()[:19]}{_fraction(message.nanos)}Z"


def duration_text(message: Any) -> str | None:
    """Seconds with a fraction and `s`, or None when out of range."""
    seconds, nanos = message.seconds, message.nanos
    if abs(seconds) > _MAX_DURATION or abs(nanos) >= _NANOS or seconds * nanos < 0:
        return None
    sign = "-" if seconds < 0 or nanos < 0 else ""
    return f"{sign}{abs(seconds)}{_fraction(abs(nanos))}s"


def _camel(path: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), path)


def snake(path: str) -> str:
    """The proto name of a lowerCamelCase field path."""
    return re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), path)


def _mask_text(message: Any) -> str:
    return ",".join(_camel(path) for path in message.paths)


def _struct(message: Any) -> dict[str, Any]:
    return {key: _value(message.fields[key]) for key in sorted(message.fields)}


def _value(message: Any) -> Any:
    kind = message.WhichOneof("kind")
    if kind == "struct_value":
        return _struct(message.struct_value)
    if kind == "list_value":
        return [_value(item) for item in message.list_value.values]
    if kind == "number_value":
        return double(message.number_value) if math.isfinite(message.number_value) else None
    return None if kind in {None, "null_value"} else getattr(message, kind)


def _wrapper(message: Any) -> Any:
    convert = WRITERS.get(message.DESCRIPTOR.fields_by_name["value"].type)
    return message.value if convert is None else convert(message.value)


def _any(message: Any, plain: Callable[[Message], Any]) -> Any:
    if not message.type_url:
        return {}
    inner = unpack(message)
    if inner is None:
        return {"@type": message.type_url, "value": base64_text(message.value)}
    rendered = plain(inner)
    if inner.DESCRIPTOR.full_name in encoders(plain):
        return {"@type": message.type_url, "value": rendered}
    return {"@type": message.type_url, **rendered}


def message_type(type_url: str) -> type[Message] | None:
    """The class that a type address names, or None when we do not know it."""
    try:
        descriptor = descriptor_pool.Default().FindMessageTypeByName(type_url.rpartition("/")[2])
    except KeyError:
        return None
    return message_factory.GetMessageClass(descriptor)


def unpack(message: Any) -> Message | None:
    """The message inside an `Any`, or None when it is unknown or broken."""
    known = message_type(message.type_url)
    if known is None:
        return None
    try:
        return known.FromString(message.value)
    except DecodeError:
        return None


def parse_timestamp(text: str) -> tuple[int, int]:
    """Seconds and nanoseconds of an RFC 3339 text. Raises `ValueError`, `OutOfRange`."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    if year == 0:
        raise OutOfRange(text)
    offset = timedelta(hours=int(match[9] or 0), minutes=int(match[10] or 0))
    zone = timezone(-offset if match[8] == "-" else offset)
    moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise OutOfRange(text)
    return seconds, int((match[7] or "").ljust(9, "0"))


def parse_duration(text: str) -> tuple[int, int]:
    """Seconds and nanoseconds of `3.5s`. Raises `ValueError`, `OutOfRange`."""
    match = _DURATION.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise ValueError(text)
    seconds = int(match[2] or 0)
    if seconds > _MAX_DURATION:
        raise OutOfRange(text)
    sign = -1 if match[1] == "-" else 1
    return sign * seconds, sign * int((match[3] or "").ljust(9, "0"))


def parse_go_duration(text: str) -> tuple[int, int]:
    """Seconds and nanoseconds of Go's own form, such as `24h`. Raises `ValueError`."""
    bare = text[1:] if text[:1] in {"+", "-"} else text
    parts = _GO_DURATION_PART.findall(bare)
    if bare != "0" and (not parts or "".join(number + unit for number, unit in parts) != bare):
        raise ValueError(text)
    nanos = sum(_go_nanos(number, _GO_UNITS[unit]) for number, unit in parts)
    if nanos >= 2**63:  # Go counts nanoseconds in an int64
        raise ValueError(text)
    sign = -1 if text.startswith("-") else 1
    return sign * (nanos // _NANOS), sign * (nanos % _NANOS)


def _go_nanos(number: str, unit: int) -> int:
    """A decimal number of units; Go, too, drops what is less than a nanosecond."""
    whole, _, fraction = number.partition(".")
    if len(whole.lstrip("0")) > _INT64_DIGITS:
        raise ValueError(number)
    fraction = fraction[:_INT64_DIGITS]
    scale: int = 10 ** len(fraction)
    return int(whole or 0) * unit + int(fraction or 0) * unit // scale
