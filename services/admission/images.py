"""Images with their scans: kept within a budget, asked of Sensor or of Central.

Reviews ask here. It must not know policies; who answers is behind `ImageSource`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from pyrox.clock import Clock
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import ImageKey
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.pb.storage.image_pb2 import Image

# Upstream's limits (pkg/env, sensor/admission-control/manager): an entry, and names kept.
MAX_ENTRY = 2 << 20
MAX_NAMES = 8192


class ImageSource(Protocol):
    """Fetches an image."""

    async def fetch(self, image: ContainerImage, namespace: str, *, scan_inline: bool) -> Image:
        """The image as Sensor or Central know or scan it; raises `RoxError`."""


@dataclass(frozen=True, slots=True)
class _Entry:
    image: Image
    size: int
    expires: float


def bare(image: ContainerImage) -> Image:
    """An image of which only the name is known."""
    made = Image(id=image.id, name=image.name, not_pullable=image.not_pullable)
    made.names.append(image.name)
    return made


class Images:
    """The cache in front of the source."""

    def __init__(self, *, source: ImageSource, clock: Clock, ttl: timedelta, budget: int) -> None:
        """`budget` is the sum of the serialised sizes of what is kept, in bytes."""
        self._source = source
        self._clock = clock
        self._ttl = ttl.total_seconds()
        self._budget = budget
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._names: OrderedDict[str, str] = OrderedDict()
        self._pending: dict[tuple[str, bool], asyncio.Task[Image]] = {}
        self._size = 0

    def cached(self, image: ContainerImage) -> Image | None:
        """The image, when it is kept and not too old."""
        key = image.id_v2 or image.id or self._names.get(image.name.full_name, "")
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires < self._clock.monotonic():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.image

    async def get(self, image: ContainerImage, namespace: str, *, scan_inline: bool) -> Image:
        """The image from its source; several who want the same one wait for one answer.

        Raises what the source raises.
        """
        pending = (image.id_v2 or image.id or image.name.full_name, scan_inline)
        task = self._pending.get(pending)
        if task is None:
            task = asyncio.create_task(self._fetch(image, namespace, scan_inline=scan_inline))
            self._pending[pending] = task
            task.add_done_callback(lambda done: self._finished(pending, done))
        return await asyncio.shield(task)

    def forget(self, keys: Iterable[ImageKey]) -> None:
        """Ask again for these images."""
        for key in keys:
            named = self._names.pop(key.image_full_name, "")
            for part in (key.image_id_v2, key.image_id, named):
                self._drop(part)

    def forget_all(self) -> None:
        """Ask again for every image."""
        self._entries.clear()
        self._names.clear()
        self._size = 0

    def _finished(self, pending: tuple[str, bool], task: asyncio.Task[Image]) -> None:
        self._pending.pop(pending, None)
        if not task.cancelled():
            # Whoever waited was told; nobody may be left to be told when the review timed out.
            task.exception()

    async def _fetch(self, image: ContainerImage, namespace: str, *, scan_inline: bool) -> Image:
        found = await self._source.fetch(image, namespace, scan_inline=scan_inline)
        key = image.id_v2 or image.id or found.id
        if key:
            self._keep(key, image.name.full_name, found)
        return found

    def _keep(self, key: str, full_name: str, image: Image) -> None:
        size = image.ByteSize()
        if size > MAX_ENTRY:
            return
        self._drop(key)
        self._entries[key] = _Entry(image, size, self._clock.monotonic() + self._ttl)
        self._size += size
        self._names[full_name] = key
        self._names.move_to_end(full_name)
        if len(self._names) > MAX_NAMES:
            self._names.popitem(last=False)
        while self._size > self._budget:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._size -= entry.size
