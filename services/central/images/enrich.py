"""An image name to an image with metadata and scan: the one way an image gets known.

The image servicer, build-time and YAML detection and the reprocessor call it. Requests
for the same image are joined; the number of scans at a time is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Exhausted, Invalid, NotFound, RoxError
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.pb.storage.image_integration_pb2 import ImageIntegration
from pyrox.pb.storage.image_pb2 import Image, ImageScan
from pyrox.registry.client import Endpoint, RegistryClient
from pyrox.registry.names import Reference
from pyrox.rpc.scope import EVERYTHING
from services.central.images.convert import Layers, scan_of
from services.central.images.flatten import count
from services.central.images.scanner import Scanned, ScannerV4
from services.central.images.store import ImageStore
from services.central.integrations import scanner_v4
from services.central.integrations.registries import Registry, candidates, is_address

_LOG = log.get(__name__)
# Upstream ROX_MAX_PARALLEL_IMAGE_SCAN_INTERNAL and the wait for a slot.
PARALLEL_SCANS = 30
SLOT_SECONDS = 5.0
MakeClient = Callable[[Endpoint], RegistryClient]
Integrations = Callable[[], Awaitable[Sequence[ImageIntegration]]]


class TooManyScans(Exhausted):
    """All places for scans are taken; Sensors wait and ask again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How fresh an answer must be."""

    force: bool = False
    """Scan again even when a scan is stored."""
    cached_only: bool = False
    """Never reach for a registry or scanner."""


class Enricher:
    """Gets images known."""

    def __init__(
        self,
        *,
        store: ImageStore,
        integrations: Integrations,
        client: MakeClient,
        scanner: ScannerV4 | None,
        clock: Clock,
        fresh_for: timedelta,
        ca_pem: str = "",
    ) -> None:
        """`scanner` is None where none is installed; a stored scan counts for `fresh_for`."""
        self._store = store
        self._integrations = integrations
        self._client = client
        self._scanner = scanner
        self._clock = clock
        self._fresh_for = fresh_for
        self._ca_pem = ca_pem
        self._slots = asyncio.Semaphore(PARALLEL_SCANS)
        self._running: dict[tuple[str, bool], asyncio.Task[Image]] = {}

    async def image(self, wanted: ContainerImage, how: Wanted = Wanted()) -> Image:
        """The image, as well known as can be.

        Raises the registry's or scanner's error when nothing is stored that could be
        given instead; `TooManyScans` when all places are taken.
        """
        stored = await self._stored(wanted)
        if how.cached_only:
            return stored or bare(wanted)
        if stored is not None and not how.force and self._fresh(stored):
            return await self._under_name(stored, wanted)
        return await self._joined(wanted, how.force)

    async def scan_or_bare(self, wanted: ContainerImage, how: Wanted = Wanted()) -> Image:
        """As `image`, but an image that cannot be known comes back with notes instead of an error.

        `TooManyScans` is still raised, since the caller can wait.
        """
        try:
            return await self.image(wanted, how)
        except TooManyScans:
            raise
        except RoxError as error:
            _LOG.warning("image not scanned", image=wanted.name.full_name, error=error.message)
            return await self._stored(wanted) or bare(wanted)

    async def _stored(self, wanted: ContainerImage) -> Image | None:
        if wanted.id:
            return await self._store.get(wanted.id, scope=EVERYTHING)
        return await self._store.by_name(wanted.name.full_name, scope=EVERYTHING)

    async def _under_name(self, stored: Image, wanted: ContainerImage) -> Image:
        """The stored image under the wanted name, which is stored too when it is new."""
        image = _named(stored, wanted)
        if all(name.full_name != image.name.full_name for name in stored.names):
            await self._store.put(image)
        return image

    def _fresh(self, image: Image) -> bool:
        if not (image.HasField("metadata") and image.HasField("scan")):
            return False
        scanned = image.scan.scan_time.ToDatetime(self._clock.now().tzinfo)
        return self._clock.now() - scanned < self._fresh_for

    async def _joined(self, wanted: ContainerImage, force: bool) -> Image:
        """One enrichment of an image at a time; who comes later gets the same answer."""
        key = (wanted.id or wanted.name.full_name, force)
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._enrich(wanted), name=f"enrich {wanted.name.full_name}")
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return await self._under_name(await asyncio.shield(task), wanted)

    async def _enrich(self, wanted: ContainerImage) -> Image:
        try:
            async with asyncio.timeout(SLOT_SECONDS):
                await self._slots.acquire()
        except TimeoutError as err:
            raise TooManyScans("too many parallel scans to the image scanner; try again") from err
        try:
            image, registry = await self._with_metadata(wanted)
            await self._scan(image, registry)
            await self._store.put(image)
            return image
        finally:
            self._slots.release()

    async def _with_metadata(self, wanted: ContainerImage) -> tuple[Image, Registry]:
        """The image with its Dockerfile lines; from the first registry that has it."""
        name = wanted.name
        if not is_address(name.registry):
            raise Invalid.because(f"image {name.full_name!r} has no registry in its name")
        reference = Reference(name.registry, name.remote, name.tag, wanted.id)
        problems = []
        for registry in candidates(name.registry, await self._integrations(), self._ca_pem):
            try:
                async with self._client(registry.endpoint) as client:
                    metadata = await client.metadata(reference)
            except RoxError as error:
                who = registry.source.name or "without credentials"
                problems.append(f"{who}: {error.message}")
                continue
            image = bare(wanted)
            metadata.data_source.CopyFrom(registry.source)
            image.metadata.CopyFrom(metadata)
            image.id = wanted.id or metadata.v2.digest or metadata.v1.digest
            return image, registry
        raise NotFound(
            f"image enrichment error: error getting metadata for image: {name.full_name} errors: "
            f"[{'; '.join(problems)}]"
        )

    async def _scan(self, image: Image, registry: Registry) -> None:
        if self._scanner is not None:
            scanned = await self._scanner.scan(image.id, image.name.remote, registry.endpoint)
            self.add_scan(image, scanned)
        set_notes(image)
        count(image)

    def add_scan(self, image: Image, scanned: Scanned) -> None:
        """Put a report into the image."""
        v1 = image.metadata.v1
        layers = Layers.of(image.metadata.layer_shas, [layer.empty for layer in v1.layers])
        scan: ImageScan = scan_of(scanned.report, layers)
        scan.scanner_version = scanned.version
        scan.scan_time.FromDatetime(self._clock.now())
        scan.data_source.CopyFrom(scanner_v4.data_source())
        image.scan.CopyFrom(scan)


def bare(wanted: ContainerImage) -> Image:
    """What is known of an image from its name alone."""
    image = Image(id=wanted.id, not_pullable=wanted.not_pullable, is_cluster_local=wanted.is_cluster_local)
    image.name.CopyFrom(wanted.name)
    image.names.append(wanted.name)
    set_notes(image)
    return image


def set_notes(image: Image) -> None:
    """Say what is missing."""
    missing = []
    if not image.HasField("metadata"):
        missing.append(Image.MISSING_METADATA)
    if not image.HasField("scan"):
        missing.append(Image.MISSING_SCAN_DATA)
    if not image.HasField("signature"):
        missing.append(Image.MISSING_SIGNATURE)
    if not image.HasField("signature_verification_data"):
        missing.append(Image.MISSING_SIGNATURE_VERIFICATION_DATA)
    image.notes[:] = missing


def _named(image: Image, wanted: ContainerImage) -> Image:
    """The image under the name that was asked for; a digest may have many."""
    if not wanted.name.full_name or image.name.full_name == wanted.name.full_name:
        return image
    renamed = Image()
    renamed.CopyFrom(image)
    renamed.name.CopyFrom(wanted.name)
    return renamed
