"""Scanner V4 as Central calls it: index, then match, over mTLS gRPC."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlencode

import grpc

from pyrox.clock import Clock
from pyrox.errors import DeadlinePassed, Exhausted, Invalid, NotAuthorized, NotFound, RoxError, Unavailable
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2 import (
    GetIndexReportRequest,
    GetOrCreateIndexReportRequest,
)
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2 import (
    GetSBOMRequest,
    GetVulnerabilitiesRequest,
    ScanSBOMRequest,
)
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherStub
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.registry.client import Endpoint
from pyrox.rpc.client import Channels

VERSION_HEADER = "x-scanner-version"
# Upstream pkg/scannerv4: what an absent header means.
UNKNOWN_VERSION = "v4"
_RETRY_PAUSES = (1.0, 2.0, 4.0)  # upstream: 1 s doubling, ten seconds in all
_RETRIED = frozenset({grpc.StatusCode.ABORTED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL})
_ERRORS: dict[grpc.StatusCode, type[RoxError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: Invalid,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.PERMISSION_DENIED: NotAuthorized,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Exhausted,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlinePassed,
}
Stub = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Scanned:
    """A vulnerability report and who made it."""

    report: VulnerabilityReport
    version: str
    """`indexer=4.11.0&matcher=4.11.0`."""


class ScannerV4:
    """Both halves of the scanner."""

    def __init__(self, *, indexer: Channels, matcher: Channels, clock: Clock, seconds: float) -> None:
        self._indexer = indexer
        self._matcher = matcher
        self._clock = clock
        self._seconds = seconds

    async def scan(self, digest: str, repository: str, registry: Endpoint) -> Scanned:
        """Index the image unless it is known, and match it.

        Raises what either part answers, with its words; `Unavailable` when one is away.
        """
        request = GetOrCreateIndexReportRequest(hash_id=hash_id(digest))
        locator = request.container_image
        locator.url = f"{registry.scheme}://{registry.host}/{repository}@{digest}"
        locator.username, locator.password = registry.credentials.username, registry.credentials.password
        locator.insecure_skip_tls_verify = not registry.tls.verify
        _, indexer = await self._call(
            "Indexer", lambda: self._stub(self._indexer, IndexerStub, "GetOrCreateIndexReport"), request
        )
        return await self._match(GetVulnerabilitiesRequest(hash_id=hash_id(digest)), indexer)

    async def match(self, digest: str, contents: Contents, indexer_version: str) -> Scanned:
        """Match what a secured cluster's own Indexer found."""
        request = GetVulnerabilitiesRequest(hash_id=hash_id(digest), contents=contents)
        return await self._match(request, indexer_version)

    async def bill(self, digest: str, name: str, uri: str) -> bytes | None:
        """The bill of materials of an indexed image in SPDX; None when it is not indexed."""
        request = GetIndexReportRequest(hash_id=hash_id(digest))
        try:
            index, _ = await self._call(
                "Indexer", lambda: self._stub(self._indexer, IndexerStub, "GetIndexReport"), request
            )
        except NotFound:
            return None
        if not index.success:
            return None
        wanted = GetSBOMRequest(id=digest, name=name, uri=uri, contents=index.contents)
        answer, _ = await self._call(
            "Matcher", lambda: self._stub(self._matcher, MatcherStub, "GetSBOM"), wanted
        )
        return bytes(answer.sbom)

    async def scan_bill(self, raw: bytes, media_type: str) -> Scanned:
        """Match what a bill of materials names; only the Matcher reads it."""
        request = ScanSBOMRequest(sbom=raw, media_type=media_type)
        answer, matcher = await self._call(
            "Matcher", lambda: self._stub(self._matcher, MatcherStub, "ScanSBOM"), request
        )
        return Scanned(answer.vulnerability_report, urlencode({"matcher": matcher}, safe=":"))

    async def _match(self, request: GetVulnerabilitiesRequest, indexer: str) -> Scanned:
        report, matcher = await self._call(
            "Matcher", lambda: self._stub(self._matcher, MatcherStub, "GetVulnerabilities"), request
        )
        return Scanned(report, urlencode({"indexer": indexer, "matcher": matcher}, safe=":"))

    @staticmethod
    async def _stub(channels: Channels, stub: Callable[[Any], Any], method: str) -> Stub:
        found: Stub = getattr(stub(await channels.channel()), method)
        return found

    async def _call(self, part: str, stub: Callable[[], Awaitable[Stub]], request: Any) -> tuple[Any, str]:
        """The answer and the version that the part calls itself."""
        for pause in (*_RETRY_PAUSES, None):
            try:
                call = (await stub())(request, timeout=self._seconds)
                answer = await call
                return answer, _version(await call.initial_metadata())
            except grpc.aio.AioRpcError as error:
                if error.code() not in _RETRIED or pause is None:
                    _translate(part, error)
                await self._clock.sleep(pause)
        raise AssertionError("the last attempt raises")


def hash_id(digest: str) -> str:
    """The name under which the scanner knows an image."""
    return f"/v4/containerimage/{digest}"


def _version(metadata: Any) -> str:
    for key, value in metadata or ():
        if key == VERSION_HEADER:
            return value if isinstance(value, str) else value.decode()
    return UNKNOWN_VERSION


def _translate(part: str, error: grpc.aio.AioRpcError) -> NoReturn:
    kind = _ERRORS.get(error.code(), Unavailable)
    raise kind(f"Scanner V4 {part}: {error.details() or error.code().name}") from error
