"""Namespaces in Central DB, with the numbers of what they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyrox.pb.api.v1.pagination_pb2 import Pagination
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.reader import Reader
from services.central.db.store import ProtoStore
from services.central.deployments.store import DeploymentStore
from services.central.risk.ranks import Ranks, fill
from services.central.secrets.store import SecretStore

_ID = "SELECT id::text FROM namespaces WHERE clusterid = $1 AND name = $2"


@dataclass(frozen=True, slots=True)
class ContentScopes:
    """What the caller may see of each kind that is counted."""

    deployments: Scope
    secrets: Scope
    network_policies: Scope


@dataclass(frozen=True, slots=True)
class Contents:
    """How much one namespace holds, as far as the caller may see it."""

    deployments: int = 0
    secrets: int = 0
    network_policies: int = 0


class NamespaceStore(Reader[NamespaceMetadata]):
    """Namespaces. Every read takes the caller's scope."""

    SORT = ("Namespace", False)

    def __init__(self, *, pool: Pool) -> None:
        super().__init__(pool=pool, stored=ProtoStore(pool=pool, table=tables.NAMESPACES))
        self._ranks = Ranks(pool=pool)
        self._deployments = DeploymentStore(pool=pool)
        self._secrets = SecretStore(pool=pool)
        self._policies: Reader[NetworkPolicy] = Reader(
            pool=pool, stored=ProtoStore(pool=pool, table=tables.NETWORK_POLICIES)
        )

    async def get(self, key: str, *, scope: Scope) -> NamespaceMetadata | None:
        """One namespace with its rank, or None when it does not exist or lies outside the scope."""
        found = await super().get(key, scope=scope)
        return None if found is None else (await self._ranked([found]))[0]

    async def find(
        self, text: str, pagination: Pagination | None = None, *, scope: Scope
    ) -> list[NamespaceMetadata]:
        """A page of namespaces that match the text of a request, each with its rank."""
        return await self._ranked(await super().find(text, pagination, scope=scope))

    async def _ranked(self, found: list[NamespaceMetadata]) -> list[NamespaceMetadata]:
        fill(found, await self._ranks.namespaces([one.id for one in found]))
        return found

    async def of_names(
        self, cluster_id: str, names: Sequence[str], *, scope: Scope
    ) -> list[NamespaceMetadata]:
        """The namespaces of a cluster that have one of these names."""
        query = Query.exact("Cluster ID", cluster_id) & Query.exact("Namespace", *names)
        return await self._stored.find(query, scope=scope) if names else []

    async def contents(
        self, namespaces: Sequence[NamespaceMetadata], scopes: ContentScopes
    ) -> Mapping[str, Contents]:
        """What each of the namespaces holds, by namespace id."""
        names = Query.exact("Namespace", *{namespace.name for namespace in namespaces})
        deployments = await self._deployments.per_place(names, scope=scopes.deployments)
        secrets = await self._secrets.per_place(names, scope=scopes.secrets)
        policies = await self._policies.per_place(names, scope=scopes.network_policies)
        found = {}
        for namespace in namespaces:
            place = (namespace.cluster_id, namespace.name)
            counts = (kind.get(place, 0) for kind in (deployments, secrets, policies))
            found[namespace.id] = Contents(*counts)
        return found

    async def id_of(self, cluster_id: str, name: str, *, tx: Database | None = None) -> str:
        """The id of a namespace by name, or empty; for the link, which sees whole clusters."""
        return await (tx or self._pool).fetchval(_ID, cluster_id, name) or ""
