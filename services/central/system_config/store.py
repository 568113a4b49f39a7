"""The one row of system configuration in Central DB."""

from __future__ import annotations

from pyrox.clock import Clock
from pyrox.pb.storage.config_pb2 import Config
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.db import tables
from services.central.db.store import ProtoStore
from services.central.system_config import defaults
from services.central.system_config.platform import PlatformNamespaces


class ConfigStore:
    """Reads and writes the configuration, and keeps its platform rules compiled."""

    def __init__(self, *, pool: Pool, clock: Clock) -> None:
        self._configs: ProtoStore[Config] = ProtoStore(pool=pool, table=tables.CONFIGS)
        self._clock = clock
        self._platform = PlatformNamespaces(defaults.load(clock.now()).platform_component_config)

    async def load(self) -> Config:
        """The configuration; a new installation's defaults are written first."""
        found = await self._configs.find(scope=EVERYTHING)
        if found:
            self._platform = PlatformNamespaces(found[0].platform_component_config)
            return found[0]
        config = defaults.load(self._clock.now())
        await self.put(config)
        return config

    async def put(self, config: Config) -> None:
        """Replace the configuration. Raises `Invalid` for a rule that does not compile."""
        self._platform = PlatformNamespaces(config.platform_component_config)
        await self._configs.upsert(config)

    def is_platform(self, namespace: str) -> bool:
        """Whether objects of this namespace belong to the platform."""
        return self._platform.is_platform(namespace)
