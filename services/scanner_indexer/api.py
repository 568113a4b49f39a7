"""The gRPC servicer of `scanner.v4.Indexer`: who may call, what is valid, what comes back.

The work is done by `states` and `store`. Error classes are upstream's
(scanner/services/indexer.go): a bad request is INVALID_ARGUMENT, a report that is
missing or failed is NOT_FOUND.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from pyrox.errors import Invalid, NotFound
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.registry.auth import Credentials
from pyrox.registry.client import Endpoint, RegistryClient
from pyrox.registry.names import parse_image_url
from pyrox.registry.transport import Tls
from pyrox.rpc.authz import Rule, Services
from pyrox.rpc.call import Call
from services.scanner_indexer.mapping import RepositoryMapping
from services.scanner_indexer.redhat import RedHatFiles
from services.scanner_indexer.states import Indexing, Job, finished_report
from services.scanner_indexer.store import IndexStore
from services.scanner_indexer.versions import overwrites

HASH_PREFIX = "/v4/containerimage/"
VERSION_HEADER = "x-scanner-version"
_MAX_HASH = 512
_READERS = Services.of(
    "CENTRAL_SERVICE", "SENSOR_SERVICE", "SCANNER_V4_MATCHER_SERVICE", "SCANNER_V4_SERVICE"
)
_CREATORS = Services.of("CENTRAL_SERVICE", "SENSOR_SERVICE")


class Registries(Protocol):
    """Makes a client for a registry; `app` decides user agent and limits."""

    def __call__(self, endpoint: Endpoint) -> RegistryClient:
        """A client that the caller closes."""


class IndexerService:
    """Index reports by image."""

    SERVICE: ClassVar[str] = "scanner.v4.Indexer"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "CreateIndexReport": _CREATORS,
        "GetOrCreateIndexReport": _CREATORS,
        "GetIndexReport": _READERS,
        "HasIndexReport": _READERS,
        "StoreIndexReport": Services.of("CENTRAL_SERVICE"),
        "GetRepositoryToCPEMapping": Services.of("SCANNER_V4_MATCHER_SERVICE", "SCANNER_V4_SERVICE"),
    }

    def __init__(
        self,
        *,
        indexing: Indexing,
        store: IndexStore,
        registries: Registries,
        mapping: RepositoryMapping,
        redhat: RedHatFiles,
        version: str,
    ) -> None:
        self._indexing = indexing
        self._store = store
        self._registries = registries
        self._mapping = mapping
        self._redhat = redhat
        self._headers = {VERSION_HEADER: version}

    async def CreateIndexReport(self, request: pb.CreateIndexReportRequest, call: Call) -> IndexReport:
        """Index the image, even when a report is stored (its known layers are not read again)."""
        await call.send_headers(self._headers)
        check_hash_id(request.hash_id)
        return await self._index(request.hash_id, _image(request), fresh=True)

    async def GetOrCreateIndexReport(
        self, request: pb.GetOrCreateIndexReportRequest, call: Call
    ) -> IndexReport:
        """The stored report, else a new one."""
        await call.send_headers(self._headers)
        check_hash_id(request.hash_id)
        return await self._index(request.hash_id, _image(request), fresh=False)

    async def GetIndexReport(self, request: pb.GetIndexReportRequest, call: Call) -> IndexReport:
        """The stored report; those of secured clusters only when they are asked for."""
        await call.send_headers(self._headers)
        check_hash_id(request.hash_id)
        report = await self._find(request.hash_id, external=request.includeExternal)
        if report is None:
            raise NotFound(f"index report not found: {request.hash_id}")
        return report

    async def HasIndexReport(
        self, request: pb.HasIndexReportRequest, call: Call
    ) -> pb.HasIndexReportResponse:
        """Whether a good report is stored."""
        await call.send_headers(self._headers)
        check_hash_id(request.hash_id)
        return pb.HasIndexReportResponse(exists=await self._find(request.hash_id, external=False) is not None)

    async def StoreIndexReport(
        self, request: pb.StoreIndexReportRequest, call: Call
    ) -> pb.StoreIndexReportResponse:
        """Keep a report that a secured cluster's Indexer made, unless a newer Indexer's is kept."""
        await call.send_headers(self._headers)
        check_hash_id(request.hash_id)
        if not request.HasField("contents"):
            raise Invalid("empty contents")
        report = finished_report(request.hash_id, request.contents)
        raw = report.SerializeToString(deterministic=True)
        stored = await self._store.save_external(request.hash_id, request.indexer_version, raw, overwrites)
        return pb.StoreIndexReportResponse(status="SUCCESS" if stored else "NOT_MODIFIED")

    async def GetRepositoryToCPEMapping(
        self, request: pb.GetRepositoryToCPEMappingRequest, call: Call
    ) -> pb.GetRepositoryToCPEMappingResponse:
        """Red Hat's repositories and their platform names, if they changed since."""
        await call.send_headers(self._headers)
        return await self._mapping.get(request.if_modified_since)

    async def _find(self, hash_id: str, *, external: bool) -> IndexReport | None:
        report = await self._indexing.stored(hash_id)
        if report is None and external and (raw := await self._store.external(hash_id)) is not None:
            report = IndexReport.FromString(raw)
        return report if report is not None and report.success else None

    async def _index(self, hash_id: str, image: pb.ContainerImageLocator, *, fresh: bool) -> IndexReport:
        url = parse_image_url(image.url)
        endpoint = Endpoint(
            host=url.reference.registry,
            scheme=url.scheme,
            credentials=Credentials(image.username, image.password),
            tls=Tls(verify=not image.insecure_skip_tls_verify),
        )
        async with self._registries(endpoint) as registry:
            return await self._indexing.run(
                Job(hash_id, url.reference, registry, self._redhat.current, fresh=fresh)
            )


def check_hash_id(hash_id: str) -> None:
    """Raise `Invalid` unless the id is that of a container image."""
    if not hash_id.startswith(HASH_PREFIX) or len(hash_id) > _MAX_HASH or not hash_id.isprintable():
        raise Invalid(f"invalid hash id: {hash_id[:_MAX_HASH]!r} must start with {HASH_PREFIX}")


def _image(
    request: pb.CreateIndexReportRequest | pb.GetOrCreateIndexReportRequest,
) -> pb.ContainerImageLocator:
    if not request.HasField("container_image"):
        raise Invalid("invalid resource locator: a container image is required")
    return request.container_image
