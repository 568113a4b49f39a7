"""The gRPC servicer of `scanner.v4.Matcher`: reports, and how fresh the advisories are.

Only Central may call it. Error classes are upstream's (scanner/services/matcher.go):
before the first load FAILED_PRECONDITION, a bad request INVALID_ARGUMENT.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar, Protocol

from google.protobuf.empty_pb2 import Empty

from pyrox.errors import Invalid, Referenced
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.scanner.v4 import matcher_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents as ContentsMessage
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.rpc.authz import UNSERVED, Rule, Services
from pyrox.rpc.call import Call
from pyrox.scan.codec import from_contents
from pyrox.scan.report import assemble
from services.scanner_matcher.query import Query
from services.scanner_matcher.store import VulnStore
from services.scanner_matcher.validate import check_contents, check_hash_id

VERSION_HEADER = "x-scanner-version"
# Reports of distributions without fixes have thousands of hits.
_HIT_BUCKETS = (0, 10, 100, 300, 1000, 3000, 10_000, 30_000)
_CENTRAL = Services.of("CENTRAL_SERVICE")


class IndexReports(Protocol):
    """Where the contents of an image come from when the request has none."""

    async def contents(self, hash_id: str) -> ContentsMessage:
        """The stored contents. Raises `NotFound`, or what reaching the Indexer raises."""


class MatcherService:
    """Vulnerability reports by image."""

    SERVICE: ClassVar[str] = "scanner.v4.Matcher"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetVulnerabilities": _CENTRAL,
        "GetMetadata": _CENTRAL,
        "GetSBOM": UNSERVED,
        "ScanSBOM": UNSERVED,
    }

    def __init__(
        self,
        *,
        query: Query,
        store: VulnStore,
        indexer: IndexReports | None,
        metrics: Metrics,
        version: str,
    ) -> None:
        self._query = query
        self._store = store
        self._indexer = indexer
        self._headers = {VERSION_HEADER: version}
        self._hits = metrics.histogram("report_hits", "advisories that hit one image", buckets=_HIT_BUCKETS)

    async def GetVulnerabilities(
        self, request: pb.GetVulnerabilitiesRequest, call: Call
    ) -> VulnerabilityReport:
        """The report for the given contents, or for those that the Indexer has."""
        await call.send_headers(self._headers)
        check_hash_id(request.hash_id)
        if await self._store.last_update() is None:
            raise Referenced(
                "the matcher is not initialized: initial load for the vulnerability DB is in progress; "
                "try again later"
            )
        message = request.contents if request.HasField("contents") else await self._indexed(request.hash_id)
        check_contents(message)
        answer = await self._query.run(from_contents(message))
        self._hits.observe(len(answer.hits))
        return await asyncio.to_thread(
            assemble,
            hash_id=request.hash_id,
            contents=message,
            hits=answer.hits,
            enrichments=answer.enrichments,
            schemes=self._query.schemes,
            namespaces=answer.namespaces,
        )

    async def GetMetadata(self, request: Empty, call: Call) -> pb.Metadata:  # noqa: ARG002 - the wire's form
        """When the oldest of the bundles was made; unset before all were loaded."""
        await call.send_headers(self._headers)
        metadata = pb.Metadata()
        updated = await self._store.last_update()
        if updated is not None:
            metadata.LastVulnerabilityUpdate.FromDatetime(updated)
        return metadata

    async def _indexed(self, hash_id: str) -> ContentsMessage:
        if self._indexer is None:
            raise Invalid("empty contents is disabled")
        return await self._indexer.contents(hash_id)
