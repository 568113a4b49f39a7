"""Texts of times and durations, both ways, at their limits."""

from __future__ import annotations

import pytest
from google.protobuf import duration_pb2, timestamp_pb2
from hypothesis import given
from hypothesis import strategies as st

from pyrox.pb.storage import policy_pb2
from pyrox.rpc.codec import wellknown
from pyrox.rpc.codec.wellknown import OutOfRange

FIRST, LAST = -62135596800, 253402300799


@pytest.mark.parametrize(
    ("seconds", "nanos", "text"),
    [
        (0, 0, "1970-01-01T00:00:00Z"),
        (0, 1, "1970-01-01T00:00:00.000000001Z"),
        (0, 1_000, "1970-01-01T00:00:00.000001Z"),
        (0, 120_000_000, "1970-01-01T00:00:00.120Z"),
        (-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
        (FIRST, 0, "0001-01-01T00:00:00Z"),
        (LAST, 0, "9999-12-31T23:59:59Z"),
    ],
)
def test_timestamp_has_groups_of_three_digits_and_reads_back(seconds: int, nanos: int, text: str) -> None:
    assert wellknown.timestamp_text(timestamp_pb2.Timestamp(seconds=seconds, nanos=nanos)) == text
    assert wellknown.parse_timestamp(text) == (seconds, nanos)


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(FIRST - 1, 0), (LAST + 1, 0), (0, -1), (0, 1_000_000_000), (2**62, 0)]
)
def test_timestamp_outside_of_its_range_has_no_text(seconds: int, nanos: int) -> None:
    assert wellknown.timestamp_text(timestamp_pb2.Timestamp(seconds=seconds, nanos=nanos)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29T12:00:00Z", (1709208000, 0)),
        ("2024-02-29T12:00:00,5Z", (1709208000, 500_000_000)),
        ("2024-02-29T14:00:00+02:00", (1709208000, 0)),
        ("2024-02-29T06:30:00.000000001-05:30", (1709208000, 1)),
    ],
)
def test_timestamp_is_read_with_zone_and_fraction(text: str, expected: tuple[int, int]) -> None:
    assert wellknown.parse_timestamp(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-02-30T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:60Z",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z",
        "2024-01-01T00:00:00z",
        "2024-01-01T00:00:00.1234567890Z",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00Z\n",
        "2024-01-01T00:00:0\u0660Z",
        "24-01-01T00:00:00Z",
    ],
)
def test_text_that_is_no_timestamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        wellknown.parse_timestamp(text)
    assert type(caught.value) is ValueError


@pytest.mark.parametrize(
    "text", ["0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"]
)
def test_timestamp_outside_of_the_years_is_out_of_range(text: str) -> None:
    with pytest.raises(OutOfRange):
        wellknown.parse_timestamp(text)


@pytest.mark.parametrize(
    ("seconds", "nanos", "text"),
    [
        (0, 0, "0s"),
        (1, 500_000_000, "1.500s"),
        (-1, -1, "-1.000000001s"),
        (0, -1_000_000, "-0.001s"),
        (315_576_000_000, 0, "315576000000s"),
    ],
)
def test_duration_shows_its_sign_and_reads_back(seconds: int, nanos: int, text: str) -> None:
    assert wellknown.duration_text(duration_pb2.Duration(seconds=seconds, nanos=nanos)) == text
    assert wellknown.parse_duration(text) == (seconds, nanos)


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(315_576_000_001, 0), (0, 1_000_000_000), (1, -1), (-1, 1), (-315_576_000_001, 0)]
)
def test_duration_outside_of_its_range_has_no_text(seconds: int, nanos: int) -> None:
    assert wellknown.duration_text(duration_pb2.Duration(seconds=seconds, nanos=nanos)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.s", (1, 0)), (".5s", (0, 500_000_000)), ("+3s", (3, 0)), ("-.25s", (0, -250_000_000))],
)
def test_duration_is_read_without_whole_or_fraction(text: str, expected: tuple[int, int]) -> None:
    assert wellknown.parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "s", ".s", "1", "1m", "--1s", "1 s", "1.1234567890s", "1e3s", "\u0661s"]
)
def test_text_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        wellknown.parse_duration(text)
    assert type(caught.value) is ValueError


def test_duration_beyond_ten_thousand_years_is_out_of_range() -> None:
    for text in ("315576000001s", "-315576000001s", "9" * 400 + "s"):
        with pytest.raises(OutOfRange):
            wellknown.parse_duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", (0, 0)),
        ("0s", (0, 0)),
        ("24h", (86400, 0)),
        ("1h30m10.5s", (5410, 500_000_000)),
        ("-1.5h", (-5400, 0)),
        ("+5m", (300, 0)),
        (".5s", (0, 500_000_000)),
        ("1.s", (1, 0)),
        ("1ms1us1ns", (0, 1_001_001)),
        ("1\u00b5s", (0, 1_000)),
        ("1\u03bcs", (0, 1_000)),
        ("0.3333333333333333333h", (1199, 999_999_999)),
        ("9223372036854775807ns", (9223372036, 854775807)),
        ("0000000000000000000000001s", (1, 0)),
    ],
)
def test_go_duration_is_read_exactly(text: str, expected: tuple[int, int]) -> None:
    assert wellknown.parse_go_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "h",
        "1d",
        "1h ",
        " 1h",
        "1 h",
        "--1h",
        ".h",
        "1h-1m",
        "9223372036854775808ns",
        "9" * 400 + "h",
        "3000000h",
    ],
)
def test_text_that_is_no_go_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        wellknown.parse_go_duration(text)


@given(st.integers(FIRST, LAST), st.integers(0, 999_999_999))
def test_every_timestamp_reads_back(seconds: int, nanos: int) -> None:
    text = wellknown.timestamp_text(timestamp_pb2.Timestamp(seconds=seconds, nanos=nanos))
    assert text is not None
    assert wellknown.parse_timestamp(text) == (seconds, nanos)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (wellknown.parse_timestamp, wellknown.parse_duration, wellknown.parse_go_duration):
        try:
            seconds, nanos = parse(text)
        except ValueError:
            continue
        assert abs(nanos) < 1_000_000_000
        assert abs(seconds) <= LAST * 2


def test_message_type_of_an_address_is_what_stands_after_the_slash() -> None:
    for address in (
        "type.googleapis.com/storage.Policy",
        "/storage.Policy",
        "storage.Policy",
        "a/b/storage.Policy",
    ):
        assert wellknown.message_type(address) is policy_pb2.Policy
    for address in ("", "/", "storage.Policy/", "no.Such", "storage"):
        assert wellknown.message_type(address) is None
