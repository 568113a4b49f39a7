"""Fields as bytes: protobuf's own writer is the measure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrox.pb.internalapi.scanner.v4 import common_pb2
from pyrox.pb.internalapi.scanner.v4 import vulnerability_report_pb2 as pb
from pyrox.scan.fields import Tags, decimal, message, number, size, text

Vulnerability = pb.VulnerabilityReport.Vulnerability
OF = Tags(Vulnerability)
SCORE = Tags(Vulnerability.CVSS.V3)


@pytest.mark.parametrize(
    ("value", "expected"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (16384, "808001")]
)
def test_size_is_a_varint(value: int, expected: str) -> None:
    assert size(value).hex() == expected


@given(st.text(st.characters(codec="utf-8"), max_size=20000))
def test_text_is_what_protobuf_writes(value: str) -> None:
    assert text(OF.counted("updater"), value) == Vulnerability(updater=value).SerializeToString()


@given(st.floats(width=32, allow_nan=False).filter(lambda value: value != 0 or str(value) == "0.0"))
def test_decimal_is_what_protobuf_writes(value: float) -> None:
    written = Vulnerability.CVSS.V3(base_score=value).SerializeToString()
    assert decimal(SCORE.decimal("base_score"), value) == written


@pytest.mark.parametrize("value", [0, 1, 4])
def test_number_is_what_protobuf_writes(value: Vulnerability.Severity.ValueType) -> None:
    written = Vulnerability(normalized_severity=value).SerializeToString()
    assert number(OF.number("normalized_severity"), value) == written


def test_empty_message_is_there() -> None:
    data = message(Tags(common_pb2.Package).counted("source"), b"")
    assert common_pb2.Package.FromString(data).HasField("source")
