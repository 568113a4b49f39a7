"""Scalar values as JSON, by Go's rules."""

from __future__ import annotations

import math
import struct
from decimal import Decimal

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from pyrox.rpc.codec.scalars import READERS, double, float32

INT32, INT64, UINT32, UINT64 = (
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_UINT64,
)
FLOAT, DOUBLE, BYTES = FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_BYTES


def read(kind: int, value: object) -> object:
    return READERS[kind][1](value)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        (INT32, -(2**31), 2**31 - 1),
        (UINT32, 0, 2**32 - 1),
        (INT64, -(2**63), 2**63 - 1),
        (UINT64, 0, 2**64 - 1),
    ],
)
def test_integer_is_read_up_to_its_limits_and_not_beyond(kind: int, low: int, high: int) -> None:
    for value in (low, high, 0):
        assert read(kind, value) == read(kind, str(value)) == value
    for value in (low - 1, high + 1):
        for form in (value, str(value)):
            with pytest.raises(ValueError):
                read(kind, form)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, 1),
        ("1.0", 1),
        ("1e2", 100),
        ("1.5e1", 15),
        ("100e-2", 1),
        ("-0", 0),
        ("0e999999999", 0),
        ("0.000", 0),
        ("-5E+0", -5),
    ],
)
def test_whole_number_is_read_in_every_form(value: object, expected: int) -> None:
    assert read(INT64, value) == expected


@pytest.mark.parametrize(
    "value",
    [
        *["", " 1", "1 ", "+1", "01", "1.", ".5", "0x1", "1_0", "1e", "1.5", "\u0661"],
        *["1e25", "1e-1", "1e999999999", "9" * 500],
        *[1.5, True, None, [], {}, math.nan, math.inf],
    ],
)
def test_value_that_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises((ValueError, OverflowError)):
        read(INT64, value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (DOUBLE, 1, 1.0),
        (DOUBLE, "1.5e3", 1500.0),
        (DOUBLE, "Infinity", math.inf),
        (DOUBLE, "-Infinity", -math.inf),
        (FLOAT, 3.4028234663852886e38, 3.4028234663852886e38),
        (FLOAT, "-0.25", -0.25),
    ],
)
def test_float_is_read_from_number_and_text(kind: int, value: object, expected: float) -> None:
    assert read(kind, value) == expected


def test_nan_is_read_from_its_name() -> None:
    found = read(DOUBLE, "NaN")
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FLOAT, 3.5e38),
        (FLOAT, "-1e39"),
        (DOUBLE, "1e400"),
        (DOUBLE, True),
        (DOUBLE, None),
        (DOUBLE, "nan"),
        (DOUBLE, "inf"),
        (DOUBLE, " 1"),
        (DOUBLE, "1" * 401),
        (DOUBLE, ""),
        (DOUBLE, []),
    ],
)
def test_value_that_is_no_float_of_that_size_is_refused(kind: int, value: object) -> None:
    with pytest.raises(ValueError):
        read(kind, value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", b""), ("AA", b"\x00"), ("AA==", b"\x00"), ("-_8=", b"\xfb\xff"), ("+/8", b"\xfb\xff")],
)
def test_bytes_are_read_from_either_alphabet(text: str, expected: bytes) -> None:
    assert read(BYTES, text) == expected


@pytest.mark.parametrize("value", ["A", "A===", "AA=", "AA=A", "+_AA", "A A=", "\u00e9A==", 7, None])
def test_value_that_is_no_base64_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        read(BYTES, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FieldDescriptor.TYPE_BOOL, 1),
        (FieldDescriptor.TYPE_BOOL, "true"),
        (FieldDescriptor.TYPE_STRING, 1),
        (FieldDescriptor.TYPE_STRING, None),
    ],
)
def test_value_of_another_type_is_refused(kind: int, value: object) -> None:
    with pytest.raises(ValueError):
        read(kind, value)


def test_every_scalar_type_has_a_reader_under_protojsons_word() -> None:
    kinds = {value: name for name, value in vars(FieldDescriptor).items() if name.startswith("TYPE_")}
    composite = {FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_GROUP, FieldDescriptor.TYPE_ENUM}
    assert set(READERS) == set(kinds) - composite
    assert {kind: word for kind, (word, _) in READERS.items()} == {
        kind: kinds[kind].removeprefix("TYPE_").lower() for kind in READERS
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, 0),
        (-0.0, 0),
        (1.0, 1),
        (0.1, 0.1),
        (2.0**53, 2.0**53),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_double_is_written_as_number_or_name(value: float, expected: object) -> None:
    written = double(value)
    assert (written, type(written)) == (expected, type(expected))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_float32_reads_back_and_is_no_longer_than_nine_digits(value: float) -> None:
    written = float32(value)
    assert struct.pack("<f", float(written)) == struct.pack("<f", value) or value == 0
    assert len(Decimal(repr(written)).as_tuple().digits) <= 9 or value.is_integer()
