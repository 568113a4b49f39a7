"""The portal's dashboard: counts, what is most at risk, how old images are.

Each part is one statement; a part that the caller may not read is null. It must not know
HTTP.
"""

from __future__ import annotations

from collections.abc import Callable

from pyrox.pg.pool import Pool
from pyrox.rpc.scope import Scope
from services.central.db import search, tables
from services.central.db.catalog import AnyTable
from services.central.db.query import Query
from services.central.db.search import Builder
from services.central.risk.ranks import Ranks
from services.central.ui.listing import BY_SEVERITY
from services.central.ui.shape import Json, severities

ScopeOf = Callable[[str], Scope]
"""What the caller may read of a resource."""

_PLACES = frozenset({"cluster", "cluster id", "namespace", "namespace id"})
_ACTIVE = Query.match("Violation State", "ACTIVE")
_TOP = 6
_AGES = (30, 90, 180, 365)
_RISKIEST = "{t}.riskscore DESC NULLS LAST"


class DashboardStore:
    """The dashboard. Every read takes the caller's scopes."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool
        self._ranks = Ranks(pool=pool)

    async def dashboard(self, text: str, scope_of: ScopeOf) -> Json:
        """All parts of the page, narrowed by the cluster and namespace terms of the text."""
        asked = Query.parse(text)
        query = Query(tuple(term for term in asked.terms if term.label.lower() in _PLACES))
        images, deployments = scope_of("Image"), scope_of("Deployment")
        return {
            "counts": {
                "clusters": await self._count(tables.CLUSTERS, query, scope_of("Cluster")),
                "nodes": await self._count(tables.NODES, query, scope_of("Node")),
                "violations": await self._count(tables.ALERTS, query & _ACTIVE, scope_of("Alert")),
                "deployments": await self._count(tables.DEPLOYMENTS, query, deployments),
                "images": await self._count(tables.IMAGES_V2, query, images),
                "secrets": await self._count(tables.SECRETS, query, scope_of("Secret")),
            },
            "imagesAtMostRisk": None if images.nothing else await self._images(query, images),
            "deploymentsAtMostRisk": (
                None if deployments.nothing else await self._deployments(query, deployments)
            ),
            "imageAges": None if images.nothing else await self._ages(query, images),
        }

    async def _count(self, table: AnyTable, query: Query, scope: Scope) -> int | None:
        if scope.nothing:
            return None
        statement = search.count(tables.CATALOG, table, query, scope)
        return int(await self._pool.fetchval(statement.sql, *statement.args))

    async def _images(self, query: Query, scope: Scope) -> list[Json]:
        builder = _builder(tables.IMAGES_V2, query, scope)
        t = builder.root.alias
        counters = ", ".join(
            f"coalesce({t}.scanstats_{prefix}{word}cvecount, 0) AS {prefix}{word}"
            for prefix in ("", "fixable")
            for word in BY_SEVERITY
        )
        rows = await self._pool.fetch(
            f"SELECT {t}.id, {t}.name_fullname AS name, {counters} {builder.source()}"
            f" ORDER BY {_RISKIEST.format(t=t)}, {t}.name_fullname, {t}.id LIMIT {_TOP}",
            *builder.args.values,
        )
        ranks = await self._ranks.flat_images([row["id"] for row in rows])
        return [
            {
                "id": row["id"],
                "name": row["name"] or "",
                "priority": ranks.get(row["id"], 0),
                "severityCounts": severities(row),
                "fixableSeverityCounts": severities(row, "fixable"),
            }
            for row in rows
        ]

    async def _deployments(self, query: Query, scope: Scope) -> list[Json]:
        builder = _builder(tables.DEPLOYMENTS, query, scope)
        t = builder.root.alias
        rows = await self._pool.fetch(
            f"SELECT {t}.id::text AS id, {t}.name, {t}.clustername, {t}.namespace"
            f" {builder.source()} ORDER BY {_RISKIEST.format(t=t)}, {t}.name, {t}.id LIMIT {_TOP}",
            *builder.args.values,
        )
        ranks = await self._ranks.deployments([row["id"] for row in rows])
        return [
            {
                "id": row["id"],
                "name": row["name"] or "",
                "clusterName": row["clustername"] or "",
                "namespace": row["namespace"] or "",
                "priority": ranks.get(row["id"], 0),
            }
            for row in rows
        ]

    async def _ages(self, query: Query, scope: Scope) -> list[Json]:
        builder = _builder(tables.IMAGES_V2, query, scope)
        created = f"{builder.root.alias}.metadata_v1_created"
        bands = []
        for days, older in zip(_AGES, (*_AGES[1:], None), strict=True):
            condition = f"{created} <= now() - interval '{days} days'"
            if older is not None:
                condition += f" AND {created} > now() - interval '{older} days'"
            bands.append(f"count(*) FILTER (WHERE {condition}) AS from{days}")
        (row,) = await self._pool.fetch(f"SELECT {', '.join(bands)} {builder.source()}", *builder.args.values)
        return [{"minDays": days, "count": row[f"from{days}"]} for days in _AGES]


def _builder(table: AnyTable, query: Query, scope: Scope) -> Builder:
    builder = Builder(tables.CATALOG, table, scope)
    builder.filter(query)
    return builder
