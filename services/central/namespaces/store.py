"""Namespaces in Central DB."""

from __future__ import annotations

from pyrox.pb.api.v1.pagination_pb2 import Pagination
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.paging import page_of
from services.central.db.query import Query
from services.central.db.store import ProtoStore

_ID = "SELECT id::text FROM namespaces WHERE clusterid = $1 AND name = $2"


class NamespaceStore:
    """Namespaces. Every read takes the caller's scope."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool
        self._namespaces: ProtoStore[NamespaceMetadata] = ProtoStore(pool=pool, table=tables.NAMESPACES)

    async def get(self, namespace_id: str, *, scope: Scope) -> NamespaceMetadata | None:
        """One namespace."""
        return await self._namespaces.get(namespace_id, scope=scope)

    async def find(self, text: str, pagination: Pagination, *, scope: Scope) -> list[NamespaceMetadata]:
        """A page of namespaces."""
        page = page_of(pagination, default_sort=("Namespace", False))
        return await self._namespaces.find(Query.parse(text), scope=scope, page=page)

    async def id_of(self, cluster_id: str, name: str, *, tx: Database | None = None) -> str:
        """The id of a namespace by name, or empty; for the link, which sees whole clusters."""
        return await (tx or self._pool).fetchval(_ID, cluster_id, name) or ""
