"""Network policies in Central DB."""

from __future__ import annotations

from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.query import EVERY, Query
from services.central.db.reader import Reader
from services.central.db.store import ProtoStore


class NetworkPolicyStore(Reader[NetworkPolicy]):
    """Network policies. Every read takes the caller's scope."""

    def __init__(self, *, pool: Pool) -> None:
        super().__init__(pool=pool, stored=ProtoStore(pool=pool, table=tables.NETWORK_POLICIES))

    async def of_place(self, cluster_id: str, namespace: str, *, scope: Scope) -> list[NetworkPolicy]:
        """The policies of a cluster and a namespace; the empty text means all of them."""
        query = EVERY
        if cluster_id:
            query &= Query.exact("Cluster ID", cluster_id)
        if namespace:
            query &= Query.exact("Namespace", namespace)
        return await self._stored.find(query, scope=scope)
