"""The recorded vulnerability report becomes the recorded answer of an image scan."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf import json_format

from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.pb.storage.image_pb2 import Image
from services.central.images.convert import Layers, scan_of
from services.central.images.enrich import set_notes
from services.central.images.flatten import count
from tests.conftest import shared_folder

pytestmark = pytest.mark.needs("shared")
# What Central's database and clock add, and the risk, which is another domain's.
ADDED = {
    "firstSystemOccurrence",
    "fixAvailableTimestamp",
    "riskScore",
    "scanTime",
    "scannerVersion",
    "dataSource",
}


def recorded(name: str) -> Any:
    return json.loads((shared_folder() / "reference" / "observed" / "scanner" / name).read_text())


def without_added(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_added(inner) for key, inner in value.items() if key not in ADDED | {"hash"}}
    return [without_added(inner) for inner in value] if isinstance(value, list) else value


def test_recorded_report_gives_the_recorded_image() -> None:
    raw = recorded("vulnerability-report.json")
    for vuln in raw["vulnerabilities"].values():
        vuln["issued"] = (
            datetime.fromtimestamp(vuln["issued"]["seconds"], UTC).isoformat().replace("+00:00", "Z")
        )
    report = json_format.ParseDict(raw, VulnerabilityReport())
    theirs = json_format.ParseDict(recorded("images-scan-answer.json"), Image(), ignore_unknown_fields=True)
    ours = Image(id=theirs.id, name=theirs.name, names=theirs.names, metadata=theirs.metadata)
    ours.last_updated.CopyFrom(theirs.last_updated)
    layers = Layers.of(ours.metadata.layer_shas, [layer.empty for layer in ours.metadata.v1.layers])
    ours.scan.CopyFrom(scan_of(report, layers))
    count(ours)
    set_notes(ours)
    assert without_added(json_format.MessageToDict(ours)) == without_added(json_format.MessageToDict(theirs))
