"""Nodes in Central DB."""

from __future__ import annotations

from pyrox.pb.storage.node_pb2 import Node
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.reader import Reader
from services.central.db.search import Page, Sort
from services.central.db.store import ProtoStore
from services.central.risk.ranks import Ranks, fill


class NodeStore(Reader[Node]):
    """Nodes; scopes show whole clusters of them."""

    SORT = ("Node", False)

    def __init__(self, *, pool: Pool) -> None:
        super().__init__(pool=pool, stored=ProtoStore(pool=pool, table=tables.NODES))
        self._ranks = Ranks(pool=pool)

    async def get(self, key: str, *, scope: Scope) -> Node | None:
        """One node with its rank, or None when it does not exist or lies outside the scope."""
        found = await super().get(key, scope=scope)
        if found is not None:
            fill([found], await self._ranks.nodes([found.id]))
        return found

    async def of_cluster(self, cluster_id: str, *, scope: Scope) -> list[Node]:
        """The nodes of one cluster, by name, each with its rank."""
        query = Query.exact("Cluster ID", cluster_id)
        found = await self._stored.find(query, scope=scope, page=Page(sort=(Sort("Node"),)))
        fill(found, await self._ranks.nodes([one.id for one in found]))
        return found
