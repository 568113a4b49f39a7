"""JSON forms of scalar values, both ways, with Go's rules on what reads as what.

Used by the other modules of this package only. A reader raises `ValueError` when the
JSON value is of the wrong kind; `decode.py` turns that into upstream's text.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

_EXACT_INTEGERS = 2**53
_EXACT_FLOAT32_INTEGERS = 2**24
FLOAT32_MAX = 3.4028234663852886e38
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
# A number in a text may carry an exponent; beyond this no integer type could hold it.
_LONGEST_NUMBER = 400


def base64_text(value: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(value).decode("ascii")


def double(value: float) -> float | int | str:
    """The JSON form of a double: a number, or the name of what JSON has no number for."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < _EXACT_INTEGERS:
        return int(value)
    return value


def float32(value: float) -> float | int | str:
    """The shortest decimal that reads back as the same 32-bit value."""
    if not math.isfinite(value) or (value.is_integer() and abs(value) < _EXACT_FLOAT32_INTEGERS):
        return double(value)
    packed = struct.pack("<f", value)
    # 6 digits always survive, 9 always suffice (IEEE 754 binary32).
    for digits in range(6, 9):
        shorter = float(f"{value:.{digits}g}")
        if abs(shorter) <= FLOAT32_MAX and struct.pack("<f", shorter) == packed:
            return double(shorter)
    return double(float(f"{value:.9g}"))


WRITERS: Mapping[int, Callable[[Any], Any]] = {
    FieldDescriptor.TYPE_INT64: str,
    FieldDescriptor.TYPE_UINT64: str,
    FieldDescriptor.TYPE_SINT64: str,
    FieldDescriptor.TYPE_FIXED64: str,
    FieldDescriptor.TYPE_SFIXED64: str,
    FieldDescriptor.TYPE_FLOAT: float32,
    FieldDescriptor.TYPE_DOUBLE: double,
    FieldDescriptor.TYPE_BYTES: base64_text,
}


def _exact(value: object) -> int:
    """The integer that a JSON number or a number in a text stands for."""
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is str and len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value):
        number = Decimal(value)
        if abs(number.adjusted()) < 20 and number == number.to_integral_value():  # uint64 has 20 digits
            return int(number)
        if not number:
            return 0
    raise ValueError(value)


def _integer(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        number = _exact(value)
        if not low <= number <= high:
            raise ValueError(value)
        return number

    return read


def _float(largest: float) -> Callable[[object], float]:
    names = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

    def read(value: object) -> float:
        if type(value) is str:
            if value in names:
                return names[value]
            if len(value) > _LONGEST_NUMBER or not _NUMBER.fullmatch(value):
                raise ValueError(value)
        elif type(value) not in {int, float}:
            raise ValueError(value)
        number = float(value)  # type: ignore[arg-type]  # one of str, int, float by now
        if not abs(number) <= largest:
            raise ValueError(value)
        return number

    return read


def _boolean(value: object) -> bool:
    if type(value) is not bool:
        raise ValueError(value)
    return value


def _text(value: object) -> str:
    if type(value) is not str:
        raise ValueError(value)
    return value


def _bytes(value: object) -> bytes:
    """Standard or URL alphabet, padded or not, as Go accepts; never a mixture."""
    text = _text(value)
    altchars = b"-_" if "-" in text or "_" in text else b"+/"
    if (altchars == b"-_" and ("+" in text or "/" in text)) or ("=" in text and len(text) % 4):
        raise ValueError(value)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=altchars, validate=True)
    except binascii.Error as err:
        raise ValueError(value) from err


_INT32 = _integer(-(2**31), 2**31 - 1)
_UINT32 = _integer(0, 2**32 - 1)
_INT64 = _integer(-(2**63), 2**63 - 1)
_UINT64 = _integer(0, 2**64 - 1)
int32 = _INT32

# Type number to protojson's word for it, and the reader.
READERS: Mapping[int, tuple[str, Callable[[Any], Any]]] = {
    FieldDescriptor.TYPE_INT32: ("int32", _INT32),
    FieldDescriptor.TYPE_SINT32: ("sint32", _INT32),
    FieldDescriptor.TYPE_SFIXED32: ("sfixed32", _INT32),
    FieldDescriptor.TYPE_UINT32: ("uint32", _UINT32),
    FieldDescriptor.TYPE_FIXED32: ("fixed32", _UINT32),
    FieldDescriptor.TYPE_INT64: ("int64", _INT64),
    FieldDescriptor.TYPE_SINT64: ("sint64", _INT64),
    FieldDescriptor.TYPE_SFIXED64: ("sfixed64", _INT64),
    FieldDescriptor.TYPE_UINT64: ("uint64", _UINT64),
    FieldDescriptor.TYPE_FIXED64: ("fixed64", _UINT64),
    FieldDescriptor.TYPE_FLOAT: ("float", _float(FLOAT32_MAX)),
    FieldDescriptor.TYPE_DOUBLE: ("double", _float(1.7976931348623157e308)),
    FieldDescriptor.TYPE_BOOL: ("bool", _boolean),
    FieldDescriptor.TYPE_STRING: ("string", _text),
    FieldDescriptor.TYPE_BYTES: ("bytes", _bytes),
}
