"""The Matcher's methods: what they refuse, what they hand over, what they answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import pytest
from google.protobuf.empty_pb2 import Empty

from pyrox.errors import Invalid, RoxError
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.scanner.v4 import matcher_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.rpc.call import Call
from pyrox.scan.advisories.enrichment import Enrichments
from pyrox.scan.model import IndexReport
from services.scanner_matcher.api import MatcherService
from services.scanner_matcher.bills import Bills, Names
from services.scanner_matcher.query import Answer, Subject
from services.scanner_matcher.reports import Made, Reports
from services.scanner_matcher.store import VulnStore

HASH = "/v4/containerimage/sha256:1"
LOADED = datetime(2026, 8, 1, tzinfo=UTC)


class Bench:
    """The servicer with what it asks."""

    def __init__(self, *, updated: datetime | None = LOADED) -> None:
        self.updated = updated
        self.asked: list[tuple[str, Contents | None]] = []
        self.written: list[tuple[Names, Contents]] = []
        self.documents: list[tuple[bytes, str]] = []
        self.headers: list[dict[str, str]] = []
        self.metrics = Metrics("scanner_v4_matcher")
        self.service = MatcherService(
            reports=cast("Reports", self),
            bills=cast("Bills", self),
            store=cast("VulnStore", self),
            metrics=self.metrics,
            version="4.11.0",
        )

    async def send_headers(self, headers: dict[str, str]) -> None:
        self.headers.append(headers)

    async def last_update(self) -> datetime | None:
        return self.updated

    async def of(self, hash_id: str, contents: Contents | None) -> Made:
        self.asked.append((hash_id, contents))
        report = VulnerabilityReport(hash_id=hash_id)
        return Made(report.SerializeToString(), Subject(IndexReport()), Answer((), Enrichments()))

    async def spdx(self, names: Names, contents: Contents) -> bytes:
        self.written.append((names, contents))
        return b"document"

    async def read(self, raw: bytes, media_type: str) -> Contents:
        self.documents.append((raw, media_type))
        return contents("read")

    async def ask(self, request: pb.GetVulnerabilitiesRequest) -> VulnerabilityReport:
        answer = await self.service.GetVulnerabilities(request, cast("Call", self))
        return VulnerabilityReport.FromString(answer.SerializeToString())


def contents(name: str = "openssl") -> Contents:
    made = Contents()
    package = made.packages["1"]
    package.id, package.name, package.version, package.kind = "1", name, "1", "binary"
    return made


async def test_contents_of_the_request_are_handed_over() -> None:
    bench = Bench()
    report = await bench.ask(pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=contents()))
    assert (report.hash_id, bench.asked) == (HASH, [(HASH, contents())])
    assert bench.headers == [{"x-scanner-version": "4.11.0"}]
    assert bench.metrics.registry.get_sample_value("rox_scanner_v4_matcher_report_hits_count") == 1


async def test_contents_that_are_missing_are_not_those_that_are_empty() -> None:
    bench = Bench()
    await bench.ask(pb.GetVulnerabilitiesRequest(hash_id=HASH))
    await bench.ask(pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=Contents()))
    assert bench.asked == [(HASH, None), (HASH, Contents())]


@pytest.mark.parametrize("hash_id", ["", "sha256:1"])
async def test_bad_hash_is_refused_before_anything_is_asked(hash_id: str) -> None:
    bench = Bench()
    with pytest.raises(Invalid, match="invalid hash id"):
        await bench.ask(pb.GetVulnerabilitiesRequest(hash_id=hash_id, contents=contents()))
    assert bench.asked == []


@pytest.mark.parametrize("missing", ["id", "name", "uri", "contents"])
async def test_bill_needs_all_its_fields(missing: str) -> None:
    request = pb.GetSBOMRequest(id="i", name="n", uri="u", contents=contents())
    request.ClearField(missing)  # type: ignore[arg-type]  # one of its fields
    with pytest.raises(Invalid, match=rf"invalid arguments: {missing} (is|are) required"):
        await Bench().service.GetSBOM(request, cast("Call", Bench()))


async def test_bill_is_made_of_the_requests_contents_and_names() -> None:
    bench = Bench(updated=None)
    request = pb.GetSBOMRequest(id="i", name="n", uri="u", contents=contents())
    answer = await bench.service.GetSBOM(request, cast("Call", bench))
    assert (answer.sbom, bench.written) == (b"document", [(Names("i", "n", "u"), contents())])


async def test_bill_of_contents_that_break_a_rule_is_refused() -> None:
    broken = contents()
    broken.packages["1"].cpe = "x"
    bench = Bench()
    request = pb.GetSBOMRequest(id="i", name="n", uri="u", contents=broken)
    with pytest.raises(Invalid, match="CPE 'x' is not valid"):
        await bench.service.GetSBOM(request, cast("Call", bench))
    assert bench.written == []


async def test_document_is_read_and_its_contents_matched() -> None:
    bench = Bench()
    request = pb.ScanSBOMRequest(sbom=b"{}", media_type="text/spdx+json")
    answer = await bench.service.ScanSBOM(request, cast("Call", bench))
    assert bench.documents == [(b"{}", "text/spdx+json")]
    assert bench.asked == [("", contents("read"))]
    read = pb.ScanSBOMResponse.FromString(answer.SerializeToString())
    assert read == pb.ScanSBOMResponse(vulnerability_report=VulnerabilityReport(hash_id=""))
    assert read.HasField("vulnerability_report")


async def test_document_that_is_empty_is_refused() -> None:
    with pytest.raises(RoxError, match="invalid arguments: sbom is required"):
        await Bench().service.ScanSBOM(pb.ScanSBOMRequest(media_type="text/spdx+json"), cast("Call", Bench()))


@pytest.mark.parametrize("updated", [None, LOADED])
async def test_metadata_has_the_time_once_all_is_loaded(updated: datetime | None) -> None:
    bench = Bench(updated=updated)
    metadata = await bench.service.GetMetadata(Empty(), cast("Call", bench))
    assert metadata.HasField("LastVulnerabilityUpdate") == (updated is not None)
    if updated is not None:
        assert metadata.LastVulnerabilityUpdate.ToDatetime(tzinfo=UTC) == updated
