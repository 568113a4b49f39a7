"""The gRPC servicer of `scanner.v4.Matcher`: reports, bills of material, how fresh the advisories are.

Only Central may call it. Error classes are upstream's (scanner/services/matcher.go):
before the first load FAILED_PRECONDITION, a bad request INVALID_ARGUMENT.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from google.protobuf.empty_pb2 import Empty

from pyrox.errors import Invalid
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.scanner.v4 import matcher_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.rpc.authz import Rule, Services
from pyrox.rpc.call import Call
from pyrox.rpc.encoded import Encoded
from pyrox.scan.fields import size
from services.scanner_matcher.bills import Bills, Names
from services.scanner_matcher.reports import Reports
from services.scanner_matcher.store import VulnStore
from services.scanner_matcher.validate import check_contents, check_hash_id

VERSION_HEADER = "x-scanner-version"
# Reports of distributions without fixes have thousands of hits.
_HIT_BUCKETS = (0, 10, 100, 300, 1000, 3000, 10_000, 30_000)
_CENTRAL = Services.of("CENTRAL_SERVICE")
_IN_RESPONSE = size(pb.ScanSBOMResponse.DESCRIPTOR.fields_by_name["vulnerability_report"].number << 3 | 2)


class MatcherService:
    """Vulnerability reports by image."""

    SERVICE: ClassVar[str] = "scanner.v4.Matcher"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetVulnerabilities": _CENTRAL,
        "GetMetadata": _CENTRAL,
        "GetSBOM": _CENTRAL,
        "ScanSBOM": _CENTRAL,
    }

    def __init__(
        self, *, reports: Reports, bills: Bills, store: VulnStore, metrics: Metrics, version: str
    ) -> None:
        self._reports = reports
        self._bills = bills
        self._store = store
        self._headers = {VERSION_HEADER: version}
        self._hits = metrics.histogram("report_hits", "advisories that hit one image", buckets=_HIT_BUCKETS)

    async def GetVulnerabilities(
        self, request: pb.GetVulnerabilitiesRequest, call: Call
    ) -> Encoded[VulnerabilityReport]:
        """The report for the given contents, or for those that the Indexer has."""
        await call.send_headers(self._headers)
        check_hash_id(request.hash_id)
        contents = request.contents if request.HasField("contents") else None
        made = await self._reports.of(request.hash_id, contents)
        self._hits.observe(len(made.answer.hits))
        return Encoded(made.data)

    async def GetSBOM(self, request: pb.GetSBOMRequest, call: Call) -> pb.GetSBOMResponse:
        """The contents of the request as SPDX; neither the Indexer nor the database is asked."""
        await call.send_headers(self._headers)
        for name in ("id", "name", "uri"):
            if not getattr(request, name):
                raise Invalid.of(f"{name} is required")
        if not request.HasField("contents"):
            raise Invalid.of("contents are required")
        check_contents(request.contents)
        names = Names(request.id, request.name, request.uri)
        return pb.GetSBOMResponse(sbom=await self._bills.spdx(names, request.contents))

    async def ScanSBOM(self, request: pb.ScanSBOMRequest, call: Call) -> Encoded[pb.ScanSBOMResponse]:
        """The report for the packages of a document, without an image."""
        await call.send_headers(self._headers)
        if not request.sbom:
            raise Invalid.of("sbom is required")
        contents = await self._bills.read(request.sbom, request.media_type)
        made = await self._reports.of("", contents)
        return Encoded(_IN_RESPONSE + size(len(made.data)) + made.data)

    async def GetMetadata(self, request: Empty, call: Call) -> pb.Metadata:  # noqa: ARG002 - the wire's form
        """When the oldest of the bundles was made; unset before all were loaded."""
        await call.send_headers(self._headers)
        metadata = pb.Metadata()
        updated = await self._store.last_update()
        if updated is not None:
            metadata.LastVulnerabilityUpdate.FromDatetime(updated)
        return metadata
