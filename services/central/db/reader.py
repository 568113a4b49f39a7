"""What every read-only domain store does: one object, a page, a count, a walk, by the request's text.

Domain stores inherit it and name their table; the scope is mandatory in all of it. It
must not know any domain.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar, Generic, TypeVar

from google.protobuf.message import Message

from pyrox.pb.api.v1.pagination_pb2 import Pagination
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import Scope
from services.central.db.paging import page_of
from services.central.db.query import Query
from services.central.db.search import Page
from services.central.db.store import ProtoStore

M = TypeVar("M", bound=Message)
# Whole objects may be large, so that an export holds few of them at a time.
EXPORT_SLICE = 100


class Reader(Generic[M]):
    """The read side of one table."""

    LIMIT: ClassVar[int] = 0
    """The most that one list shows; 0 means no limit."""
    SORT: ClassVar[tuple[str, bool] | None] = None
    """Label and direction of a list that asks for no order; None means by key."""

    def __init__(self, *, pool: Pool, stored: ProtoStore[M]) -> None:
        self._pool = pool
        self._stored = stored

    async def get(self, key: str, *, scope: Scope) -> M | None:
        """One object, or None when it does not exist or lies outside the scope."""
        return await self._stored.get(key, scope=scope)

    async def find(self, text: str, pagination: Pagination | None = None, *, scope: Scope) -> list[M]:
        """A page of whole objects that match the text of a request."""
        return await self._stored.find(Query.parse(text), scope=scope, page=self._page(pagination))

    async def count(self, text: str = "", *, scope: Scope) -> int:
        """How many objects match."""
        return await self._stored.count(Query.parse(text), scope=scope)

    def walk(self, text: str, *, scope: Scope, tx: Database | None = None) -> AsyncIterator[list[M]]:
        """All objects that match, in slices. Raises `Invalid` at once for a bad text."""
        return self._stored.walk(Query.parse(text), scope=scope, slice_size=EXPORT_SLICE, tx=tx)

    async def per_place(self, query: Query, *, scope: Scope) -> dict[tuple[str, str], int]:
        """How many objects match, by cluster id and namespace."""
        rows = await self._stored.group_count(["Cluster ID", "Namespace"], query, scope=scope)
        return {(str(row[0]), str(row[1])): int(row[2]) for row in rows}

    def _page(self, pagination: Pagination | None) -> Page:
        return page_of(pagination, limit=self.LIMIT, default_sort=self.SORT)
