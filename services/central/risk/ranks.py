"""The rank that follows from a score: 1 for the highest, equal scores sharing one.

Stores fill `priority` from it when they show objects, so that it is never stale and no
row has to be written when another object's score changes. What has no score has rank 0,
as in upstream's rankers (central/ranking).
"""
# ruff: noqa: S608 - constants

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from pyrox.pg.pool import Pool


def _own(table: str) -> str:
    """Ranks of the rows of a table by the score that stands in them."""
    return f"""
WITH scores AS (
    SELECT riskscore, row_number() OVER (ORDER BY riskscore DESC) AS rank
    FROM (SELECT DISTINCT riskscore FROM {table} WHERE riskscore > 0) AS found
)
SELECT t.id::text AS id, s.rank FROM {table} t JOIN scores s USING (riskscore)
WHERE t.id::text = ANY($1::text[])
"""


def _summed(place: str) -> str:
    """Ranks of places by the sum of the scores of their deployments."""
    return f"""
WITH sums AS (
    SELECT {place} AS id, sum(riskscore) AS score FROM deployments WHERE riskscore > 0 GROUP BY {place}
), ranked AS (
    SELECT id, dense_rank() OVER (ORDER BY score DESC) AS rank FROM sums
)
SELECT id::text AS id, rank FROM ranked WHERE id::text = ANY($1::text[])
"""


_DEPLOYMENTS = _own("deployments").replace("t.id::text = ANY($1::text[])", "t.id = ANY($1::text[]::uuid[])")
_IMAGES = _own("images")
_FLAT_IMAGES = _own("images_v2")
_NODES = _own("nodes")
_NAMESPACES = _summed("namespaceid")
_CLUSTERS = _summed("clusterid")


class Ranked(Protocol):
    """An object that shows its rank."""

    id: str
    priority: int


class Ranks:
    """Ranks among everything there is, whatever the caller may see of it."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

    async def deployments(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The ranks of these deployments; those without a score are missing."""
        return await self._ranks(_DEPLOYMENTS, ids)

    async def images(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The ranks of these images, named by their digests."""
        return await self._ranks(_IMAGES, ids)

    async def flat_images(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The ranks of these images, named by their ids of name and digest."""
        return await self._ranks(_FLAT_IMAGES, ids)

    async def nodes(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The ranks of these nodes."""
        return await self._ranks(_NODES, ids)

    async def namespaces(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The ranks of these namespaces."""
        return await self._ranks(_NAMESPACES, ids)

    async def clusters(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The ranks of these clusters."""
        return await self._ranks(_CLUSTERS, ids)

    async def _ranks(self, sql: str, ids: Sequence[str]) -> Mapping[str, int]:
        if not ids:
            return {}
        return {row["id"]: int(row["rank"]) for row in await self._pool.fetch(sql, list(ids))}


def fill(objects: Iterable[Ranked], ranks: Mapping[str, int]) -> None:
    """Write the ranks into the objects."""
    for one in objects:
        one.priority = ranks.get(one.id, 0)
