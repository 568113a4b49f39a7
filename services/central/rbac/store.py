"""Kubernetes roles and bindings in Central DB, and who is bound to which role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pyrox.pb.storage.rbac_pb2 import K8sRole, K8sRoleBinding
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.reader import Reader
from services.central.db.search import Page, Sort
from services.central.db.store import ProtoStore


class RoleStore(Reader[K8sRole]):
    """Kubernetes roles. Every read takes the caller's scope."""

    def __init__(self, *, pool: Pool) -> None:
        super().__init__(pool=pool, stored=ProtoStore(pool=pool, table=tables.K8S_ROLES))

    async def of_bindings(self, bindings: Iterable[K8sRoleBinding], *, scope: Scope) -> Mapping[str, K8sRole]:
        """The roles that the bindings name, by id; one that is not visible is left out."""
        ids = [binding.role_id for binding in bindings]
        return {role.id: role for role in await self._stored.get_many(ids, scope=scope)}


class BindingStore(Reader[K8sRoleBinding]):
    """Kubernetes role bindings. Every read takes the caller's scope."""

    def __init__(self, *, pool: Pool) -> None:
        super().__init__(pool=pool, stored=ProtoStore(pool=pool, table=tables.ROLE_BINDINGS))

    async def of_people(self, text: str, *, scope: Scope) -> list[K8sRoleBinding]:
        """Bindings that match and bind a user or a group; labels of roles mean nothing here."""
        asked = Query.parse(text)
        return await self._found(asked & Query.match("Subject Kind", "USER", "GROUP"), scope)

    async def of_person(self, name: str, *, scope: Scope) -> list[K8sRoleBinding]:
        """Bindings of the user or group of that exact name."""
        query = Query.exact("Subject", name) & Query.match("Subject Kind", "USER", "GROUP")
        return await self._found(query, scope)

    async def of_accounts(self, names: Sequence[str], *, scope: Scope) -> list[K8sRoleBinding]:
        """Bindings of service accounts of these names, in any namespace."""
        query = Query.exact("Subject", *names) & Query.match("Subject Kind", "SERVICE_ACCOUNT")
        return await self._found(query, scope)

    async def _found(self, query: Query, scope: Scope) -> list[K8sRoleBinding]:
        return await self._stored.find(query, scope=scope, page=Page(sort=(Sort("Role Binding"),)))
