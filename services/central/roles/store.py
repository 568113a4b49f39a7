"""Roles, permission sets and access scopes in Central DB, and the role book's source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.access.defaults import Defaults
from services.central.access.effective import ClusterFacts, NamespaceFacts
from services.central.access.rolebook import Book
from services.central.db import tables
from services.central.db.store import ProtoStore

_NAMESPACE_FACTS = "SELECT id::text, name, clusterid::text AS cluster_id, labels FROM namespaces"


class RoleStore:
    """The objects behind roles. `on_change` runs after each write."""

    def __init__(self, *, pool: Pool, defaults: Defaults, on_change: Callable[[], None]) -> None:
        self._pool = pool
        self._defaults = defaults
        self._on_change = on_change
        self._roles = ProtoStore(pool=pool, table=tables.ROLES)
        self._permission_sets = ProtoStore(pool=pool, table=tables.PERMISSION_SETS)
        self._access_scopes = ProtoStore(pool=pool, table=tables.ACCESS_SCOPES)
        self._clusters: ProtoStore[Cluster] = ProtoStore(pool=pool, table=tables.CLUSTERS)

    async def ensure_defaults(self) -> None:
        """Write the default objects as this release defines them."""
        async with self._pool.transaction() as tx:
            await self._permission_sets.upsert_many(self._defaults.permission_sets, tx=tx)
            await self._access_scopes.upsert_many(self._defaults.access_scopes, tx=tx)
            await self._roles.upsert_many(self._defaults.roles, tx=tx)

    async def roles(self) -> list[Role]:
        """All roles by name."""
        return sorted(await self._roles.find(scope=EVERYTHING), key=lambda role: role.name)

    async def role(self, name: str) -> Role | None:
        """One role."""
        return await self._roles.get(name, scope=EVERYTHING)

    async def put_role(self, role: Role) -> None:
        """Write one role."""
        await self._roles.upsert(role)
        self._on_change()

    async def delete_role(self, name: str) -> None:
        """Remove one role."""
        await self._roles.delete(name)
        self._on_change()

    async def permission_sets(self) -> list[PermissionSet]:
        """All permission sets by name."""
        return sorted(await self._permission_sets.find(scope=EVERYTHING), key=lambda found: found.name)

    async def put_permission_set(self, permission_set: PermissionSet) -> None:
        """Write one permission set."""
        await self._permission_sets.upsert(permission_set)
        self._on_change()

    async def delete_permission_set(self, wanted: str) -> None:
        """Remove one permission set."""
        await self._permission_sets.delete(wanted)
        self._on_change()

    async def access_scopes(self) -> list[SimpleAccessScope]:
        """All access scopes by name."""
        return sorted(await self._access_scopes.find(scope=EVERYTHING), key=lambda found: found.name)

    async def put_access_scope(self, scope: SimpleAccessScope) -> None:
        """Write one access scope."""
        await self._access_scopes.upsert(scope)
        self._on_change()

    async def delete_access_scope(self, wanted: str) -> None:
        """Remove one access scope."""
        await self._access_scopes.delete(wanted)
        self._on_change()

    async def cluster_facts(self) -> Sequence[ClusterFacts]:
        """Names and labels of all clusters and namespaces, for scope rules."""
        namespaces: dict[str, list[NamespaceFacts]] = defaultdict(list)
        for row in await self._pool.fetch(_NAMESPACE_FACTS):
            facts = NamespaceFacts(name=row["name"], labels=row["labels"] or {}, id=row["id"])
            namespaces[row["cluster_id"]].append(facts)
        return [
            ClusterFacts(c.id, c.name, dict(c.labels), tuple(namespaces[c.id]))
            for c in await self._clusters.find(scope=EVERYTHING)
        ]

    async def load(self) -> Book:
        """What grants are computed from."""
        return Book(
            roles={role.name: role for role in await self.roles()},
            permission_sets={found.id: found for found in await self.permission_sets()},
            access_scopes={found.id: found for found in await self.access_scopes()},
            clusters=await self.cluster_facts(),
        )
