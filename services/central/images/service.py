"""`v1.ImageService`: images for users, and scans for Sensors and Admission."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import ClassVar, Protocol

from pyrox.errors import Invalid, NotFound
from pyrox.pb.api.v1 import empty_pb2, image_service_pb2, search_service_pb2
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.pb.storage.image_pb2 import Image, ListImage
from pyrox.rpc.authz import UNSERVED, Permissions, Rule, Services
from pyrox.rpc.call import Call
from pyrox.rpc.scope import Access
from pyrox.workload.images import parse_image
from services.central.images.enrich import Enricher, Wanted, bare, set_notes
from services.central.images.flatten import count
from services.central.images.scanner import UNKNOWN_VERSION, ScannerV4
from services.central.images.store import ImageStore

_READ = Permissions(read=("Image",))
_WRITE = Permissions(write=("Image",))
_CLUSTER = Services.of("SENSOR_SERVICE", "ADMISSION_CONTROL_SERVICE")
_SENSOR = Services.of("SENSOR_SERVICE")


class Sensors(Protocol):
    """What changed images mean for Sensors."""

    async def images_forgotten(self, images: Iterable[Image]) -> None:
        """Make Sensors ask again for these images."""

    async def reprocess_all(self) -> None:
        """Make every Sensor judge its deployments again."""


class ImageService:
    """`v1.ImageService`."""

    SERVICE: ClassVar[str] = "v1.ImageService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetImage": _READ,
        "CountImages": _READ,
        "ListImages": _READ,
        "ScanImage": _WRITE,
        "ScanImageInternal": _CLUSTER,
        "ScanImageInternalForAdmission": _CLUSTER,
        "GetImageVulnerabilitiesInternal": _SENSOR,
        "EnrichLocalImageInternal": _SENSOR,
        "UpdateLocalScanStatusInternal": _SENSOR,
        "InvalidateScanAndRegistryCaches": _WRITE,
        "DeleteImages": _WRITE,
        "WatchImage": UNSERVED,
        "UnwatchImage": UNSERVED,
        "GetWatchedImages": UNSERVED,
        "ExportImages": _READ,
    }

    def __init__(
        self, *, store: ImageStore, enricher: Enricher, scanner: ScannerV4 | None, sensors: Sensors
    ) -> None:
        self._store = store
        self._enricher = enricher
        self._scanner = scanner
        self._sensors = sensors

    async def GetImage(self, request: image_service_pb2.GetImageRequest, call: Call) -> Image:
        """One image by digest, or by its id of name and digest."""
        if not request.id:
            raise Invalid.because("request object must be non-nil and have an id")
        found = await self._store.shown(request.id, scope=call.scope("Image"))
        if found is None:
            raise NotFound.because(f'image with id "{request.id}" was not found')
        if request.strip_description:
            for component in found.scan.components:
                for vuln in component.vulns:
                    vuln.summary = ""
        return found

    async def CountImages(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> image_service_pb2.CountImagesResponse:
        """How many images match."""
        count = await self._store.count(request.query, scope=call.scope("Image"))
        return image_service_pb2.CountImagesResponse(count=count)

    async def ListImages(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> image_service_pb2.ListImagesResponse:
        """A page of images."""
        found: list[ListImage] = await self._store.digests(
            request.query, request.pagination, scope=call.scope("Image")
        )
        return image_service_pb2.ListImagesResponse(images=found)

    async def ExportImages(
        self, request: image_service_pb2.ExportImageRequest, call: Call
    ) -> AsyncIterator[image_service_pb2.ExportImageResponse]:
        """Whole images that match, one message each."""
        async for images in self._store.walk(request.query, scope=call.scope("Image")):
            for image in images:
                yield image_service_pb2.ExportImageResponse(image=image)

    async def ScanImage(self, request: image_service_pb2.ScanImageRequest, call: Call) -> Image:
        """Scan by name, as CI does; the error is the registry's or the scanner's own."""
        call.require("Image", Access.READ_WRITE_ACCESS)
        if request.cluster:
            raise Invalid.because("scans by a secured cluster are not served; scan without a cluster")
        return await self._enricher.image(parse_image(request.image_name), Wanted(force=request.force))

    async def ScanImageInternal(
        self, request: image_service_pb2.ScanImageInternalRequest, _: Call
    ) -> image_service_pb2.ScanImageInternalResponse:
        """Scan for a Sensor; what cannot be scanned comes back with notes."""
        image = await self._enricher.scan_or_bare(request.image, Wanted(cached_only=request.cached_only))
        return image_service_pb2.ScanImageInternalResponse(image=image)

    async def ScanImageInternalForAdmission(
        self, request: image_service_pb2.ScanImageInternalRequest, call: Call
    ) -> image_service_pb2.ScanImageInternalResponse:
        """The same for Admission."""
        return await self.ScanImageInternal(request, call)

    async def GetImageVulnerabilitiesInternal(
        self, request: image_service_pb2.GetImageVulnerabilitiesInternalRequest, _: Call
    ) -> image_service_pb2.ScanImageInternalResponse:
        """Only Sensors with the old scanner ask this; what is stored of the image comes back."""
        wanted = ContainerImage(id=request.image_id, is_cluster_local=request.is_cluster_local)
        wanted.name.CopyFrom(request.image_name)
        image = await self._enricher.scan_or_bare(wanted, Wanted(cached_only=True))
        return image_service_pb2.ScanImageInternalResponse(image=image)

    async def EnrichLocalImageInternal(
        self, request: image_service_pb2.EnrichLocalImageInternalRequest, _: Call
    ) -> image_service_pb2.ScanImageInternalResponse:
        """Match what a secured cluster indexed itself, and store it; a failure replaces nothing."""
        wanted = ContainerImage(id=request.image_id, is_cluster_local=True)
        wanted.name.CopyFrom(request.image_name)
        image = bare(wanted)
        if request.error:
            image = await self._enricher.scan_or_bare(wanted, Wanted(cached_only=True))
        if request.HasField("metadata"):
            image.metadata.CopyFrom(request.metadata)
        if request.HasField("image_signature"):
            image.signature.CopyFrom(request.image_signature)
        if not request.error:
            await self._match(image, request.v4_contents, request.indexer_version or UNKNOWN_VERSION)
        set_notes(image)
        count(image)
        if image.id and not request.error:
            await self._store.put(image)
        return image_service_pb2.ScanImageInternalResponse(image=image)

    async def _match(self, image: Image, contents: Contents, version: str) -> None:
        if self._scanner is not None and contents.ByteSize():
            self._enricher.add_scan(image, await self._scanner.match(image.id, contents, version))

    async def UpdateLocalScanStatusInternal(
        self, request: image_service_pb2.UpdateLocalScanStatusInternalRequest, _: Call
    ) -> empty_pb2.Empty:
        """A delegated scan that could not start; this Central starts none."""
        raise NotFound.because(f"no delegated scan with id {request.request_id!r} is running")

    async def InvalidateScanAndRegistryCaches(self, _: empty_pb2.Empty, __: Call) -> empty_pb2.Empty:
        """Make Sensors forget their images; Central itself keeps none in memory."""
        await self._sensors.reprocess_all()
        return empty_pb2.Empty()

    async def DeleteImages(
        self, request: image_service_pb2.DeleteImagesRequest, call: Call
    ) -> image_service_pb2.DeleteImagesResponse:
        """Remove images that match; without `confirm` only say how many there are."""
        if not request.query.query:
            raise Invalid.because("a scoping query is required")
        scope = call.scope("Image", Access.READ_WRITE_ACCESS)
        found = await self._store.find(request.query.query, scope=scope)
        if request.confirm:
            await self._store.delete(found)
            await self._sensors.images_forgotten(found)
        return image_service_pb2.DeleteImagesResponse(num_deleted=len(found), dry_run=not request.confirm)
