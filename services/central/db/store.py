"""The generic store: protobuf messages of one type in one table.

Domain stores own one or more of these and add SQL of their own where a query has a
name. Every read takes the caller's scope. It must not know any domain.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from pyrox.pg.pool import Database, Pool, Row
from pyrox.rpc.scope import Scope
from services.central.db import search, write
from services.central.db.fields import Kind, Table
from services.central.db.query import EVERY, Query
from services.central.db.search import NO_PAGE, Page
from services.central.db.tables import CATALOG

M = TypeVar("M", bound=Message)
L = TypeVar("L", bound=Message)
# Objects per statement when a walk or a big write is cut into slices: a few MB at most.
SLICE = 500


@dataclass(frozen=True, slots=True)
class ListForm(Generic[M, L]):
    """The digest that lists show: its type and how it is made from the whole object."""

    message: type[L]
    make: Callable[[M], L]


class ProtoStore(Generic[M]):
    """Messages of one type, found by key and by search.

    Every method takes `tx`, a transaction to work in; without one each call is a
    transaction of its own.
    """

    def __init__(self, *, pool: Pool, table: Table[M], list_form: ListForm[M, Any] | None = None) -> None:
        if table.listed != (list_form is not None):
            raise ValueError(f"table {table.name}: listed={table.listed} and the list form given disagree")
        self._pool = pool
        self.table = table
        self._list_form = list_form
        self._writer = write.Writer(table, list_form.make if list_form else None)

    async def get(self, key: str, *, scope: Scope, tx: Database | None = None) -> M | None:
        """The object, or None when it does not exist or lies outside the scope."""
        found = await self.get_many([key], scope=scope, tx=tx)
        return found[0] if found else None

    async def get_many(self, keys: Sequence[str], *, scope: Scope, tx: Database | None = None) -> list[M]:
        """Those of the objects that exist within the scope, in the order of the keys."""
        wanted = list(dict.fromkeys(key for key in keys if self._is_key(key)))
        if not wanted:
            return []
        statement = search.by_keys(CATALOG, self.table, wanted, scope)
        rows = await (tx or self._pool).fetch(statement.sql, *statement.args)
        by_key = {str(row[0]): row[1] for row in rows}
        return [self._parse(by_key[key]) for key in map(self._canonical, wanted) if key in by_key]

    async def lock_many(self, keys: Sequence[str], *, tx: Database) -> dict[str, M]:
        """Those of the objects that exist, by key, locked until the transaction ends.

        For read-modify-write; the caller has checked the scope, since it will write.
        """
        wanted = sorted({self._canonical(key) for key in keys if self._is_key(key)})
        if not wanted:
            return {}
        statement = search.lock_keys(CATALOG, self.table, wanted)
        return {str(row[0]): self._parse(row[1]) for row in await self._fetch(statement, tx)}

    async def exists(self, key: str, *, scope: Scope, tx: Database | None = None) -> bool:
        """Whether the object exists within the scope."""
        return await self.get(key, scope=scope, tx=tx) is not None

    async def upsert(self, message: M, *, tx: Database | None = None) -> bool:
        """Write the object; whether anything changed."""
        return bool(await self.upsert_many([message], tx=tx))

    async def upsert_many(self, messages: Iterable[M], *, tx: Database | None = None) -> list[str]:
        """Write the objects, all or none; the keys of those that are new or changed.

        Of several messages with one key the last counts. Child rows are written only
        for changed objects. Raises `Invalid` for a key that does not fit its type.
        """
        rows = self._writer.rows(messages)
        if not rows:
            return []
        if tx is not None:
            return await self._writer.write(tx, rows)
        async with self._pool.transaction() as own:
            return await self._writer.write(own, rows)

    async def delete(self, *keys: str, tx: Database | None = None) -> int:
        """Remove the objects; how many there were."""
        wanted = [key for key in keys if self._is_key(key)]
        if not wanted:
            return 0
        return await (tx or self._pool).execute(self._writer.delete_sql, wanted)

    async def delete_where(self, query: Query, *, scope: Scope, tx: Database | None = None) -> list[str]:
        """Remove all that match within the scope; their keys."""
        statement = search.delete(CATALOG, self.table, query, scope)
        return [str(row[0]) for row in await self._fetch(statement, tx)]

    async def find(
        self, query: Query = EVERY, *, scope: Scope, page: Page = NO_PAGE, tx: Database | None = None
    ) -> list[M]:
        """The whole objects that match, in the page's order."""
        statement = search.select(CATALOG, self.table, "serialized", query, scope, page)
        return [self._parse(row[0]) for row in await self._fetch(statement, tx)]

    async def keys(
        self, query: Query = EVERY, *, scope: Scope, page: Page = NO_PAGE, tx: Database | None = None
    ) -> list[str]:
        """The keys of the objects that match, in the page's order."""
        statement = search.select(CATALOG, self.table, self.table.key.name, query, scope, page)
        return [str(row[0]) for row in await self._fetch(statement, tx)]

    async def first(self, query: Query, *, scope: Scope, tx: Database | None = None) -> M | None:
        """Any one object that matches, or None."""
        found = await self.find(query, scope=scope, page=Page(limit=1), tx=tx)
        return found[0] if found else None

    async def count(self, query: Query = EVERY, *, scope: Scope, tx: Database | None = None) -> int:
        """How many objects match."""
        rows = await self._fetch(search.count(CATALOG, self.table, query, scope), tx)
        return int(rows[0][0])

    async def values(
        self,
        labels: Sequence[str],
        query: Query = EVERY,
        *,
        scope: Scope,
        page: Page = NO_PAGE,
        tx: Database | None = None,
    ) -> list[Row]:
        """The columns behind the labels, distinct rows; ids come as text.

        Lists and maps give one row per element. Cheaper than reading whole objects.
        """
        return await self._fetch(search.values(CATALOG, self.table, labels, query, scope, page), tx)

    async def group_count(
        self, labels: Sequence[str], query: Query = EVERY, *, scope: Scope, tx: Database | None = None
    ) -> list[Row]:
        """Rows of the labels' values and, last, the number of objects that have them."""
        return await self._fetch(search.group_count(CATALOG, self.table, labels, query, scope), tx)

    async def suggest(
        self, label: str, query: Query = EVERY, *, scope: Scope, limit: int = 10, tx: Database | None = None
    ) -> list[str]:
        """Values that the label has among the objects that match, for autocompletion."""
        statement = search.values(CATALOG, self.table, [label], query, scope, Page(limit=limit))
        return [str(row[0]) for row in await self._fetch(statement, tx) if row[0] is not None]

    async def walk(
        self, query: Query = EVERY, *, scope: Scope, slice_size: int = SLICE, tx: Database | None = None
    ) -> AsyncIterator[list[M]]:
        """All objects that match in slices, ordered by key; memory stays bounded."""
        after: str | None = None
        while True:
            statement = search.slice_after(CATALOG, self.table, query, scope, after, slice_size)
            rows = await self._fetch(statement, tx)
            if rows:
                yield [self._parse(row[1]) for row in rows]
            if len(rows) < slice_size:
                return
            after = str(rows[-1][0])

    async def _fetch(self, statement: search.Statement, tx: Database | None) -> list[Row]:
        return await (tx or self._pool).fetch(statement.sql, *statement.args)

    def _parse(self, data: bytes) -> M:
        return self.table.message.FromString(data)

    def _is_key(self, key: str) -> bool:
        """Whether any object can have this key: ids of uuid columns must be UUIDs."""
        return write.is_uuid(key) if self.table.key.kind is Kind.UUID else bool(key) and "\0" not in key

    def _canonical(self, key: str) -> str:
        return str(uuid.UUID(key)) if self.table.key.kind is Kind.UUID else key


class ListedStore(ProtoStore[M], Generic[M, L]):
    """A `ProtoStore` whose lists read the stored digests instead of whole objects."""

    def __init__(self, *, pool: Pool, table: Table[M], list_form: ListForm[M, L]) -> None:
        super().__init__(pool=pool, table=table, list_form=list_form)
        self._digest = list_form.message

    async def digests(
        self, query: Query = EVERY, *, scope: Scope, page: Page = NO_PAGE, tx: Database | None = None
    ) -> list[L]:
        """The list forms of the objects that match, in the page's order."""
        statement = search.select(CATALOG, self.table, "list_form", query, scope, page)
        return [self._digest.FromString(row[0]) for row in await self._fetch(statement, tx)]
