"""The Matcher's methods: when it may answer, whose contents it takes, what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from google.protobuf.empty_pb2 import Empty

from pyrox.errors import Invalid, NotFound, Referenced, RoxError, Unavailable
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.scanner.v4 import matcher_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.rpc.call import Call
from pyrox.scan.advisories.enrichment import Enrichments
from pyrox.scan.catalogue import schemes
from pyrox.scan.model import IndexReport
from services.scanner_matcher.api import MatcherService
from services.scanner_matcher.query import Answer, Query
from services.scanner_matcher.store import VulnStore

HASH = "/v4/containerimage/sha256:1"
LOADED = datetime(2026, 8, 1, tzinfo=UTC)


class Bench:
    """The servicer with what it asks."""

    def __init__(self, *, updated: datetime | None = LOADED, indexer: bool = True) -> None:
        self.updated = updated
        self.schemes = schemes()
        self.asked: list[IndexReport] = []
        self.wanted: list[str] = []
        self.error: RoxError | None = None
        self.headers: list[dict[str, str]] = []
        self.metrics = Metrics("scanner_v4_matcher")
        self.service = MatcherService(
            query=cast("Query", self),
            store=cast("VulnStore", self),
            indexer=self if indexer else None,
            metrics=self.metrics,
            version="4.11.0",
        )

    async def send_headers(self, headers: dict[str, str]) -> None:
        self.headers.append(headers)

    async def last_update(self) -> datetime | None:
        return self.updated

    async def run(self, report: IndexReport) -> Answer:
        self.asked.append(report)
        return Answer((), Enrichments(), frozenset())

    async def contents(self, hash_id: str) -> Contents:
        self.wanted.append(hash_id)
        if self.error is not None:
            raise self.error
        return contents("stored")

    async def ask(self, request: pb.GetVulnerabilitiesRequest) -> Any:
        return await self.service.GetVulnerabilities(request, cast("Call", self))


def contents(name: str = "openssl") -> Contents:
    made = Contents()
    package = made.packages["1"]
    package.id, package.name, package.version, package.kind = "1", name, "1", "binary"
    return made


async def test_contents_of_the_request_come_first() -> None:
    bench = Bench()
    report = await bench.ask(pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=contents()))
    assert (report.hash_id, list(report.contents.packages)) == (HASH, ["1"])
    assert [package.name for package in bench.asked[0].packages.values()] == ["openssl"]
    assert (bench.wanted, bench.headers) == ([], [{"x-scanner-version": "4.11.0"}])
    assert bench.metrics.registry.get_sample_value("rox_scanner_v4_matcher_report_hits_count") == 1


async def test_contents_of_the_indexer_are_taken_when_the_request_has_none() -> None:
    bench = Bench()
    await bench.ask(pb.GetVulnerabilitiesRequest(hash_id=HASH))
    assert bench.wanted == [HASH]
    assert [package.name for package in bench.asked[0].packages.values()] == ["stored"]


async def test_contents_that_are_set_and_empty_ask_no_indexer() -> None:
    bench = Bench()
    report = await bench.ask(pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=Contents()))
    assert (bench.wanted, dict(report.vulnerabilities)) == ([], {})


async def test_request_without_contents_needs_an_indexer() -> None:
    with pytest.raises(Invalid, match="empty contents is disabled"):
        await Bench(indexer=False).ask(pb.GetVulnerabilitiesRequest(hash_id=HASH))


@pytest.mark.parametrize("error", [NotFound("index report not found"), Unavailable("away")])
async def test_indexers_error_passes(error: RoxError) -> None:
    bench = Bench()
    bench.error = error
    with pytest.raises(type(error), match=error.message):
        await bench.ask(pb.GetVulnerabilitiesRequest(hash_id=HASH))
    assert bench.asked == []


async def test_scan_before_the_first_load_says_when_to_ask_again() -> None:
    bench = Bench(updated=None)
    with pytest.raises(
        Referenced, match="the matcher is not initialized: initial load for the vulnerability"
    ):
        await bench.ask(pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=contents()))
    assert (bench.asked, bench.headers) == ([], [{"x-scanner-version": "4.11.0"}])


@pytest.mark.parametrize(
    ("request_message", "words"),
    [
        (pb.GetVulnerabilitiesRequest(), "invalid hash id"),
        (pb.GetVulnerabilitiesRequest(hash_id="sha256:1", contents=contents()), "invalid hash id"),
    ],
)
async def test_bad_request_is_refused_also_before_the_first_load(
    request_message: pb.GetVulnerabilitiesRequest, words: str
) -> None:
    for updated in (None, LOADED):
        with pytest.raises(Invalid, match=words):
            await Bench(updated=updated).ask(request_message)


async def test_broken_element_is_refused_before_the_database_is_asked() -> None:
    bench, broken = Bench(), contents()
    broken.packages["1"].cpe = "x"
    with pytest.raises(Invalid, match="CPE 'x' is not valid"):
        await bench.ask(pb.GetVulnerabilitiesRequest(hash_id=HASH, contents=broken))
    assert bench.asked == []


@pytest.mark.parametrize("updated", [None, LOADED])
async def test_metadata_has_the_time_once_all_is_loaded(updated: datetime | None) -> None:
    bench = Bench(updated=updated)
    metadata = await bench.service.GetMetadata(Empty(), cast("Call", bench))
    assert metadata.HasField("LastVulnerabilityUpdate") == (updated is not None)
    if updated is not None:
        assert metadata.LastVulnerabilityUpdate.ToDatetime(tzinfo=UTC) == updated
