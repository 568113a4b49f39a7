"""The recorded scan of the reference system, answered by our Matcher from the same bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import zstandard
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.mtls.identity import CENTRAL, SCANNER_V4_MATCHER
from pyrox.pb.internalapi.scanner.v4 import matcher_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherStub
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from tests.support import pg, scanner
from tests.support.definitions import archive
from tests.support.pki import Pki

pytestmark = pytest.mark.needs("postgres", "shared")


def plain(value: Any) -> Any:
    """The recording's form (Go's own JSON of the messages) as protobuf-JSON."""
    if isinstance(value, dict):
        if set(value) <= {"seconds", "nanos"} and value:
            return Timestamp(seconds=value["seconds"]).ToJsonString()
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def by_package(report: VulnerabilityReport) -> dict[str, list[dict[str, Any]]]:
    """Each package's vulnerabilities in order, without the ids that are a database's own."""
    found = {}
    for key, values in report.package_vulnerabilities.items():
        rows = [json_format.MessageToDict(report.vulnerabilities[v]) for v in values.values]
        for row in rows:
            del row["id"]
        found[report.contents.packages[key].name] = rows
    return found


async def test_recorded_scan_is_answered_alike(
    pg_server: pg.TestServer, tmp_path: Path, shared: Path
) -> None:
    recorded = shared / "reference/observed/scanner"
    bundles = {
        name: zstandard.compress((recorded / f"bundle-{name}.jsonl").read_bytes())
        for name in ("debian", "osv")
    }
    zipped = tmp_path / "vulnerabilities.zip"
    zipped.write_bytes(archive(bundles))
    index = json.loads((recorded / "index-report.json").read_text())
    wanted = json_format.ParseDict(
        plain(json.loads((recorded / "vulnerability-report.json").read_text())), VulnerabilityReport()
    )
    contents = json_format.ParseDict(plain(index["contents"]), Contents())
    pki = Pki(tmp_path / "pki")
    more = {"SCANNER_V4_MATCHER_VULNERABILITIES_URL": zipped.as_uri()}
    async with scanner.matcher(pg_server.database(), pki, **more) as matcher:
        await scanner.loaded(matcher)
        async with scanner.channel(matcher.front.addresses[0], pki, CENTRAL, SCANNER_V4_MATCHER) as channel:
            request = pb.GetVulnerabilitiesRequest(hash_id=index["hash_id"], contents=contents)
            report: VulnerabilityReport = await MatcherStub(channel).GetVulnerabilities(request)
    assert by_package(report) == by_package(wanted)
    assert {p.name: p for p in report.contents.packagesDEPRECATED} == {
        p.name: p for p in wanted.contents.packagesDEPRECATED
    }
    assert report.contents.packages == wanted.contents.packages
    assert report.contents.environments == wanted.contents.environments
    assert list(report.notes) == list(wanted.notes)
