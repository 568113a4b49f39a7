"""Policy categories in Central DB. They are global, as policies are."""

from __future__ import annotations

from collections.abc import Sequence

from pyrox.errors import AlreadyExists
from pyrox.pb.storage.policy_category_pb2 import PolicyCategory
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.reader import Reader
from services.central.db.store import ProtoStore


class CategoryStore(Reader[PolicyCategory]):
    """The names under which policies are grouped."""

    SORT = ("Policy Category", False)

    def __init__(self, *, pool: Pool) -> None:
        super().__init__(pool=pool, stored=ProtoStore(pool=pool, table=tables.POLICY_CATEGORIES))

    async def ensure_defaults(self, defaults: Sequence[PolicyCategory]) -> None:
        """Add default categories that are missing."""
        known = set(await self._stored.keys(scope=EVERYTHING))
        await self._stored.upsert_many([one for one in defaults if one.id not in known])

    async def put(self, category: PolicyCategory) -> None:
        """Write a category. Raises `AlreadyExists` for a name that another has."""
        other = await self._stored.first(Query.exact("Policy Category", category.name), scope=EVERYTHING)
        if other is not None and other.id != category.id:
            raise AlreadyExists.because(f'policy category with name "{category.name}" already exists')
        await self._stored.upsert(category)

    async def delete(self, category_id: str) -> None:
        """Remove a category."""
        await self._stored.delete(category_id)
