"""Images with their scans, asked of Central and remembered.

Detectors, and the image service for Admission, ask here. Several who want the same
image at once wait for one answer. When Central cannot answer, a bare image is given, so
that policies on the name still work. It must not know policies.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Exhausted, RoxError
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import ImageKey
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.workload.images import id_v2

_LOG = log.get(__name__)
# Upstream's limit of scans at once (ROX_MAX_PARALLEL_IMAGE_SCAN_INTERNAL).
_PARALLEL = 30
# Upstream's pauses when Central has too many scans: 5 s doubling to 4 minutes.
_FIRST_PAUSE, _LAST_PAUSE = 5.0, 240.0
# An image whose scan failed is asked for again after this, then after twice as long each
# time, up to the life of a scan.
_FIRST_RETRY = 30.0
MAX_IMAGES = 2000


@dataclass(frozen=True, slots=True)
class Source:
    """Who uses the image, for the choice of registry credentials."""

    cluster_id: str = ""
    namespace: str = ""
    pull_secrets: tuple[str, ...] = ()


class Scanner(Protocol):
    """Asks Central for an image."""

    async def scan(self, image: ContainerImage, source: Source, *, cached_only: bool) -> Image:
        """The image as Central knows or scans it.

        Raises `Exhausted` when Central scans too many at once, else what went wrong.
        """


def key_of(image: ContainerImage) -> str:
    """What an image is remembered by: its digest under its name, else the name."""
    return image.id_v2 or image.id or image.name.full_name


def bare(image: ContainerImage) -> Image:
    """An image of which only the name is known."""
    made = Image(id=image.id, name=image.name, not_pullable=image.not_pullable)
    made.names.append(image.name)
    made.notes.extend([Image.MISSING_METADATA, Image.MISSING_SCAN_DATA])
    return made


@dataclass(slots=True)
class _Entry:
    image: Image
    expires: float


class Images:
    """The cache in front of Central; a component that owns the calls under way."""

    name = "images"

    def __init__(self, *, scanner: Scanner, clock: Clock, ttl: timedelta, metrics: Metrics) -> None:
        self._scanner = scanner
        self._clock = clock
        self._ttl = ttl.total_seconds()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._pending: dict[str, asyncio.Task[Image]] = {}
        self._outdated: set[str] = set()
        self._slots = asyncio.Semaphore(_PARALLEL)
        self._group: asyncio.TaskGroup | None = None
        self._pauses: dict[str, float] = {}
        self._retrying: dict[str, asyncio.Task[None]] = {}
        self._on_retry: Callable[[set[str]], None] = lambda _: None
        self.online = False
        unfinished = metrics.gauge(
            "image_scans_unfinished",
            "images whose scan is under way, or failed and is tried again",
            ["state"],
        )
        unfinished.labels("running").set_function(lambda: len(self._pending))
        unfinished.labels("failed").set_function(lambda: len(self._retrying))

    async def run(self, ready: Callable[[], None]) -> None:
        """Own the calls until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            ready()
            await asyncio.Event().wait()

    def listen(self, on_retry: Callable[[set[str]], None]) -> None:
        """Tell which images are worth another look, after their scan had failed."""
        self._on_retry = on_retry

    def cached(self, image: ContainerImage) -> Image | None:
        """The remembered image; without Central an old one is better than none."""
        entry = self._entries.get(key_of(image))
        if entry is None or (self.online and entry.expires < self._clock.monotonic()):
            return None
        return entry.image

    async def get(self, image: ContainerImage, source: Source) -> Image:
        """The image, scanned if need be; a bare one when that is not possible."""
        found = self.cached(image)
        if found is not None:
            return found
        if self._group is None or not self.online or image.not_pullable or not image.name.registry:
            return bare(image)
        key = key_of(image)
        task = self._pending.get(key)
        if task is None:
            task = self._group.create_task(self._fetch(key, image, source))
            self._pending[key] = task
            task.add_done_callback(lambda _: self._finished(key))
        return await asyncio.shield(task)

    async def of(self, deployment: Deployment) -> list[Image]:
        """The image of each container, by index."""
        source = Source(deployment.cluster_id, deployment.namespace, tuple(deployment.image_pull_secrets))
        wanted = [self.get(container.image, source) for container in deployment.containers]
        return list(await asyncio.gather(*wanted))

    def cached_of(self, deployment: Deployment) -> list[Image]:
        """As `of`, without asking anybody."""
        return [self.cached(container.image) or bare(container.image) for container in deployment.containers]

    def put(self, image: Image) -> list[str]:
        """Remember an image that Central sent; the keys under which it may be used."""
        keys = [key for key in dict.fromkeys(_keys_of(image)) if key in self._entries]
        for key in keys:
            self._remember(key, image)
        return keys

    def forget(self, keys: Iterable[ImageKey]) -> set[str]:
        """Forget images; the keys that were given, as detectors know them.

        An answer that is under way was made before Central knew better: it is asked for again.
        """
        flat = {part for key in keys for part in _flat(key)}
        for part in flat:
            self._entries.pop(part, None)
        self._outdated |= flat & self._pending.keys()
        return flat

    def forget_all(self) -> None:
        """Forget everything, the answers that are under way as well."""
        self._entries.clear()
        self._outdated |= self._pending.keys()

    def refresh(self, keys: Iterable[ImageKey]) -> None:
        """Central looked at these images and found nothing new: they stay fresh."""
        expires = self._clock.monotonic() + self._ttl
        for key in keys:
            for part in _flat(key):
                if part in self._entries:
                    self._entries[part].expires = expires

    async def _fetch(self, key: str, image: ContainerImage, source: Source) -> Image:
        pause = _FIRST_PAUSE
        while True:
            try:
                async with self._slots:
                    self._outdated.discard(key)
                    scanned = await self._scanner.scan(image, source, cached_only=False)
            except Exhausted:
                await self._clock.sleep(pause)
                pause = min(pause * 2, _LAST_PAUSE)
                if not self.online:
                    return bare(image)
            except RoxError as error:
                _LOG.warning("image without scan", image=image.name.full_name, error=error.message)
                self._retry_later(key)
                return bare(image)
            else:
                if key in self._outdated:
                    continue
                self._remember(key, scanned)
                if scanned.HasField("scan"):
                    self._recovered(key)
                else:
                    self._retry_later(key)
                return scanned

    def _finished(self, key: str) -> None:
        self._pending.pop(key, None)
        self._outdated.discard(key)

    def _retry_later(self, key: str) -> None:
        """A scanner or registry that was away must not leave a deployment judged by half its image."""
        if self._group is not None and key not in self._retrying:
            self._retrying[key] = self._group.create_task(self._retry(key))

    def _recovered(self, key: str) -> None:
        """A deployment that was judged by the bare image must not wait for the next attempt."""
        self._pauses.pop(key, None)
        retry = self._retrying.pop(key, None)
        if retry is not None:
            retry.cancel()
            self._on_retry({key})

    async def _retry(self, key: str) -> None:
        pause = self._pauses.get(key, _FIRST_RETRY)
        if len(self._pauses) >= MAX_IMAGES:
            self._pauses.clear()
        self._pauses[key] = min(pause * 2, self._ttl)
        await self._clock.sleep(pause)
        self._retrying.pop(key, None)
        # While Central is away nothing can be asked; its return makes everything be judged again.
        if self.online:
            entry = self._entries.get(key)
            if entry is not None and not entry.image.HasField("scan"):
                del self._entries[key]
            self._on_retry({key})

    def _remember(self, key: str, image: Image) -> None:
        self._entries[key] = _Entry(image, self._clock.monotonic() + self._ttl)
        self._entries.move_to_end(key)
        if len(self._entries) > MAX_IMAGES:
            self._entries.popitem(last=False)


def _flat(key: ImageKey) -> Sequence[str]:
    return [part for part in (key.image_id_v2, key.image_id, key.image_full_name) if part]


def _keys_of(image: Image) -> list[str]:
    names = [image.name.full_name, *(name.full_name for name in image.names)]
    return [image.id, *(id_v2(name, image.id) for name in names if image.id), *names]
