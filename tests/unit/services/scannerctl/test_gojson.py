"""Go's JSON of generated structs: recorded reports byte for byte, corners of numbers and texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from services.scannerctl import gojson


def parsed(value: Any) -> Any:
    """The recording's form as protobuf-JSON."""
    if isinstance(value, dict):
        if value and set(value) <= {"seconds", "nanos"}:
            return Timestamp(**value).ToJsonString()
        return {key: parsed(item) for key, item in value.items()}
    return [parsed(item) for item in value] if isinstance(value, list) else value


@pytest.mark.needs("shared")
@pytest.mark.parametrize(
    ("name", "made"),
    [("index-report", IndexReport()), ("vulnerability-report", VulnerabilityReport())],
    ids=["index", "vulnerabilities"],
)
def test_recorded_report_is_printed_byte_for_byte(name: str, made: Message, shared: Path) -> None:
    recorded = (shared / f"reference/observed/scanner/{name}.json").read_text()
    json_format.ParseDict(parsed(json.loads(recorded)), made)
    # The recording was indented anew, with one blank.
    ours = [
        " " * ((len(line) - len(line.lstrip(" "))) // 2) + line.lstrip(" ")
        for line in gojson.dumps(made).split("\n")
    ]
    assert "\n".join(ours) == recorded.rstrip("\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7.5, "7.5"), (9.8, "9.8"), (10.0, "10"), (0.00043, "0.00043"), (0.00001234, "0.00001234"),
        (1e-7, "1e-7"), (0.97565, "0.97565"),
    ],
)  # fmt: skip
def test_number_of_32_bits_has_as_few_digits_as_go_writes(value: float, text: str) -> None:
    report = VulnerabilityReport()
    report.vulnerabilities["1"].epss_metrics.probability = value
    assert f'"probability": {text}\n' in gojson.dumps(report)


def test_text_is_escaped_for_html_as_go_does() -> None:
    assert gojson.dumps(VulnerabilityReport(hash_id='<a&\u2028é\n">')) == (
        '{\n  "hash_id": "\\u003ca\\u0026\\u2028é\\n\\"\\u003e"\n}'
    )


def test_empty_fields_are_left_out_and_maps_are_sorted() -> None:
    report = VulnerabilityReport()
    for key in ("10", "2", "1"):
        report.package_vulnerabilities[key].values.append("x")
    report.package_not_vulnerable["1"].SetInParent()
    assert gojson.plain(report) == {
        "package_vulnerabilities": {key: {"values": ["x"]} for key in ("1", "10", "2")},
        "package_not_vulnerable": {"1": {}},
    }
    assert list(gojson.plain(report)["package_vulnerabilities"]) == ["1", "10", "2"]
    assert gojson.dumps(VulnerabilityReport()) == "{}"


def test_enumerations_are_numbers() -> None:
    report = VulnerabilityReport(notes=[VulnerabilityReport.NOTE_OS_UNSUPPORTED])
    assert gojson.plain(report) == {"notes": [2]}
