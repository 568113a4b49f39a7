"""Scans images that run again, every few hours: yesterday's clean image may not be one today.

A component; only one replica does it at a time. Sensors get what changed and then judge
their deployments again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Protocol

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pg.locks import advisory
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.images.enrich import Enricher, Wanted
from services.central.images.store import ImageStore

_LOG = log.get(__name__)
# Upstream central/reprocessor: images that are scanned at a time.
PARALLEL = 5
LOCK = "central/images/reprocess"


class Sensors(Protocol):
    """All connected Sensors."""

    async def image_updated(self, image: Image, cluster_ids: Collection[str]) -> None:
        """Give those of the clusters a new scan."""

    async def reprocess_all(self) -> None:
        """Make them judge everything again."""


class Reprocessor:
    """The loop over images in use."""

    name = "image-reprocessor"

    def __init__(
        self,
        *,
        store: ImageStore,
        enricher: Enricher,
        sensors: Sensors,
        pool: Pool,
        clock: Clock,
        interval: timedelta,
    ) -> None:
        self._store = store
        self._enricher = enricher
        self._sensors = sensors
        self._pool = pool
        self._clock = clock
        self._interval = interval

    async def run(self, ready: Callable[[], None]) -> None:
        """Wait an interval, scan all, again and again."""
        ready()
        while True:
            await self._clock.sleep(self._interval.total_seconds())
            try:
                await self.round()
            except RoxError as error:
                _LOG.warning("images not scanned again", error=error.message)

    async def round(self) -> int:
        """Scan every stored image that can be pulled; how many changed."""
        async with advisory(self._pool, LOCK) as mine:
            if not mine:
                return 0
            changed = 0
            async for images in self._store.walk("", scope=EVERYTHING):
                for start in range(0, len(images), PARALLEL):
                    part = [image for image in images[start : start + PARALLEL] if not image.not_pullable]
                    changed += sum(await asyncio.gather(*map(self._again, part)))
            await self._sensors.reprocess_all()
            return changed

    async def _again(self, old: Image) -> bool:
        wanted = ContainerImage(id=old.id, is_cluster_local=old.is_cluster_local)
        wanted.name.CopyFrom(old.name)
        if old.is_cluster_local:
            return False
        try:
            new = await self._enricher.image(wanted, Wanted(force=True))
        except RoxError as error:
            _LOG.warning("image not scanned again", image=old.name.full_name, error=error.message)
            return False
        if list(new.scan.components) == list(old.scan.components):
            return False
        await self._sensors.image_updated(new, await self._store.clusters_of(new.id))
        return True
