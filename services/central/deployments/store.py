"""Deployments in Central DB: whole, as list digests, their labels, what exports need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from pyrox.pb.api.v1.pagination_pb2 import Pagination
from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.reader import Reader
from services.central.db.store import ListedStore, ListForm
from services.central.deployments.digest import digest
from services.central.risk.ranks import Ranks, fill


class DeploymentStore(Reader[Deployment]):
    """Deployments. Every read takes the caller's scope."""

    # Upstream central/deployment: the most that one list shows, and the riskiest first.
    LIMIT = 1000
    SORT = ("Deployment Risk Priority", False)

    def __init__(self, *, pool: Pool) -> None:
        self._listed = ListedStore(
            pool=pool, table=tables.DEPLOYMENTS, list_form=ListForm(ListDeployment, digest)
        )
        self._ranks = Ranks(pool=pool)
        super().__init__(pool=pool, stored=self._listed)

    async def get(self, key: str, *, scope: Scope) -> Deployment | None:
        """One deployment with its rank, or None when it does not exist or lies outside the scope."""
        found = await super().get(key, scope=scope)
        if found is not None:
            fill([found], await self._ranks.deployments([found.id]))
        return found

    async def digests(self, text: str, pagination: Pagination, *, scope: Scope) -> list[ListDeployment]:
        """The page of a list, each with its rank."""
        page = self._page(pagination)
        found = await self._listed.digests(Query.parse(text), scope=scope, page=page)
        fill(found, await self._ranks.deployments([one.id for one in found]))
        return found

    async def labels(self, *, scope: Scope) -> Mapping[str, list[str]]:
        """All label keys with their values, both sorted."""
        found: dict[str, list[str]] = defaultdict(list)
        for (pair,) in await self._listed.values(["Deployment Label"], scope=scope):
            key, _, value = str(pair).partition("=")
            found[key].append(value)
        return found
