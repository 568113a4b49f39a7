"""The configuration of the graph: one row."""

from __future__ import annotations

from pyrox.pb.storage.network_graph_config_pb2 import NetworkGraphConfig
from pyrox.pg import notify
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.db import tables
from services.central.db.store import ProtoStore

# The key of the one configuration, as recorded.
KEY = "networkGraphConfig"
CHANNEL = "network_entities"
"""Notices with the ids of clusters whose Sensors are to be told of ranges anew."""
EVERY_CLUSTER = "*"


class GraphSettings:
    """The configuration. Callers have checked that it may be read or changed."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool
        self._stored = ProtoStore(pool=pool, table=tables.NETWORK_GRAPH_CONFIGS)

    async def load(self) -> NetworkGraphConfig:
        """The configuration as it is now."""
        found = await self._stored.get(KEY, scope=EVERYTHING)
        return found or NetworkGraphConfig(id=KEY)

    async def put(self, config: NetworkGraphConfig) -> None:
        """Replace it."""
        kept = NetworkGraphConfig()
        kept.CopyFrom(config)
        kept.id = KEY
        async with self._pool.transaction() as tx:
            await self._stored.upsert(kept, tx=tx)
            await notify.post(tx, CHANNEL, [EVERY_CLUSTER])
