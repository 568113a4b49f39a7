"""Takes away what the configured retention no longer keeps: alerts, images, processes, notices.

A component. Only one replica works on a kind at a time, under an advisory lock; a round
that another replica holds is skipped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.pb.storage.config_pb2 import Config, PrivateConfig
from pyrox.pg import notify
from pyrox.pg.locks import advisory
from pyrox.pg.pool import Pool
from services.central.jobs.retention import expired_alerts
from services.central.jobs.store import PruneStore

_LOG = log.get(__name__)
# Upstream central/pruning: how often, and how long processes outlive their deployment,
# since a Sensor may report a process before the deployment it belongs to.
INTERVAL = timedelta(hours=1)
ORPHAN_AGE = timedelta(minutes=30)
LOCK = "central/pruning/"


class Configuration(Protocol):
    """Where the retention is configured."""

    async def load(self) -> Config:
        """The configuration as it is now."""


class Pruner:
    """The loop over everything that ends."""

    name = "pruning"

    def __init__(
        self,
        *,
        store: PruneStore,
        config: Configuration,
        pool: Pool,
        clock: Clock,
        interval: timedelta = INTERVAL,
    ) -> None:
        self._store = store
        self._config = config
        self._pool = pool
        self._clock = clock
        self._interval = interval

    async def run(self, ready: Callable[[], None]) -> None:
        """Prune, wait an interval, again and again; a failed round is logged, the next one tries."""
        ready()
        while True:
            try:
                await self.round()
            except RoxError as error:
                _LOG.warning("pruning failed, trying again at the next round", error=error.message)
            await self._clock.sleep(self._interval.total_seconds())

    async def round(self) -> dict[str, int]:
        """Prune every kind once; how many of each went."""
        private = (await self._config.load()).private_config
        removed = {
            "alerts": await self._locked("alerts", lambda: self._alerts(private)),
            "images": await self._locked("images", lambda: self._images(private)),
            "processes": await self._locked("processes", lambda: self._store.processes(ORPHAN_AGE)),
            "flows": await self._locked("flows", lambda: self._store.flows(ORPHAN_AGE)),
            "notices": await self._locked("notices", lambda: notify.prune(self._pool)),
        }
        if any(removed.values()):
            _LOG.info("pruned", **removed)
        return removed

    async def _alerts(self, private: PrivateConfig) -> int:
        return sum([await self._store.alerts(query) for query in expired_alerts(private)])

    async def _images(self, private: PrivateConfig) -> int:
        days = private.image_retention_duration_days
        return await self._store.images(timedelta(days=days)) if days > 0 else 0

    async def _locked(self, kind: str, work: Callable[[], Awaitable[int]]) -> int:
        async with advisory(self._pool, LOCK + kind) as mine:
            return await work() if mine else 0
