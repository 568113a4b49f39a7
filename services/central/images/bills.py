"""Bills of materials: of an image, written by Scanner V4's Matcher; and scanned without their image.

The routes `/api/v1/images/sbom` and `/api/v1/sboms/scan` call it. Rules are upstream's
(`central/image/service/http_handler.go` and `sbom_scan_http_handler.go`,
`pkg/scanners/scannerv4/scannerv4.go`). It must not know what a bill looks like or how it is sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.pb.api.v1.sbom_pb2 import SBOMScanResponse
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.pb.storage.image_pb2 import Image
from pyrox.workload.images import id_v2, parse_image
from services.central.images.convert import Layers, scan_of
from services.central.images.enrich import Enricher, Wanted
from services.central.images.scanner import ScannerV4
from services.central.integrations import scanner_v4


@dataclass(frozen=True, slots=True)
class BillRequest:
    """Of which image, and how fresh the scan must be."""

    image_name: str = ""
    digest: str = ""
    """Which image is meant when the name has no digest."""
    cluster: str = ""
    force: bool = False


def _new_id() -> str:
    return str(uuid.uuid4())


class ImageBills:
    """Bills of materials of images."""

    def __init__(
        self, *, enricher: Enricher, scanner: ScannerV4, clock: Clock, new_id: Callable[[], str] = _new_id
    ) -> None:
        self._enricher = enricher
        self._scanner = scanner
        self._clock = clock
        self._new_id = new_id

    async def of(self, request: BillRequest) -> bytes:
        """The document; empty when there is none even after a new scan.

        Raises what the registry or the scanner answers, and `Invalid`.
        """
        if request.cluster:
            raise Invalid.because("scans by a secured cluster are not served; scan without a cluster")
        wanted = _container_image(request)
        image, forced = await self._scanned(wanted, force=request.force)
        bill = await self._written(image)
        if bill is None and not forced:
            # Stored by Central and not by the Indexer: what a secured cluster indexed, for example.
            image, _ = await self._scanned(wanted, force=True)
            bill = await self._written(image)
        return bill or b""

    async def scan(self, raw: bytes, media_type: str) -> SBOMScanResponse:
        """The vulnerabilities of what the bill names; nothing is stored.

        Raises what the Matcher answers.
        """
        scanned = await self._scanner.scan_bill(raw, media_type)
        answer = SBOMScanResponse(id=scanned.report.hash_id)
        answer.scan.scanner_version = scanned.version
        answer.scan.scan_time.FromDatetime(self._clock.now())
        answer.scan.components.extend(scan_of(scanned.report, Layers({})).components)
        answer.scan.data_source.CopyFrom(scanner_v4.data_source())
        return answer

    async def _scanned(self, wanted: ContainerImage, *, force: bool) -> tuple[Image, bool]:
        """The image as Scanner V4 knows it, and whether it was scanned for this."""
        image = await self._enricher.image(wanted, Wanted(force=force))
        if force or image.scan.data_source.id == scanner_v4.ID:
            return image, force
        return await self._enricher.image(wanted, Wanted(force=True)), True

    async def _written(self, image: Image) -> bytes | None:
        name = image.name
        uri = f"https://{name.registry}/{name.remote}-{self._new_id()}"
        return await self._scanner.bill(image.id, name.full_name, uri)


def _container_image(request: BillRequest) -> ContainerImage:
    """The image that is meant. Raises `Invalid`."""
    try:
        image = parse_image(request.image_name)
    except Invalid as error:
        raise Invalid.because(error.message) from error
    if request.digest and not image.id:
        image.id = _digest(request.digest)
        image.id_v2 = id_v2(image.name.full_name, image.id)
    return image


def _digest(text: str) -> str:
    found = parse_image(text).id
    if found != text:
        raise Invalid.because(f"{text!r} is not the digest of an image")
    return found
