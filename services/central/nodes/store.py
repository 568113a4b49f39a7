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


class NodeStore(Reader[Node]):
    """Nodes; scopes show whole clusters of them."""

    SORT = ("Node", False)

    def __init__(self, *, pool: Pool) -> None:
        super().__init__(pool=pool, stored=ProtoStore(pool=pool, table=tables.NODES))

    async def of_cluster(self, cluster_id: str, *, scope: Scope) -> list[Node]:
        """The nodes of one cluster, by name."""
        query = Query.exact("Cluster ID", cluster_id)
        return await self._stored.find(query, scope=scope, page=Page(sort=(Sort("Node"),)))
