"""Service accounts in Central DB, with their roles and the deployments that use them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pyrox.pb.api.v1.service_account_service_pb2 import SADeploymentRelationship, ServiceAccountAndRoles
from pyrox.pb.storage.deployment_pb2 import ListDeployment
from pyrox.pb.storage.rbac_pb2 import K8sRoleBinding, SubjectKind
from pyrox.pb.storage.service_account_pb2 import ServiceAccount
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.reader import Reader
from services.central.db.store import ListedStore, ListForm, ProtoStore
from services.central.deployments.digest import digest as deployment_digest
from services.central.rbac.granted import granted
from services.central.rbac.store import BindingStore, RoleStore

Key = tuple[str, str, str]
"""Cluster id, namespace, name."""
_USERS = ("Cluster ID", "Namespace", "Service Account", "Deployment ID", "Deployment")


@dataclass(frozen=True, slots=True)
class RelationScopes:
    """What the caller may see of everything that hangs on an account."""

    roles: Scope
    bindings: Scope
    deployments: Scope


class ServiceAccountStore(Reader[ServiceAccount]):
    """Service accounts. Every read takes the caller's scope."""

    def __init__(self, *, pool: Pool) -> None:
        super().__init__(pool=pool, stored=ProtoStore(pool=pool, table=tables.SERVICE_ACCOUNTS))
        self._roles = RoleStore(pool=pool)
        self._bindings = BindingStore(pool=pool)
        self._deployments = ListedStore(
            pool=pool,
            table=tables.DEPLOYMENTS,
            list_form=ListForm(ListDeployment, deployment_digest),
        )

    async def resolved(
        self, accounts: Sequence[ServiceAccount], scopes: RelationScopes
    ) -> list[ServiceAccountAndRoles]:
        """The accounts with their roles and deployments, as far as the caller may see them."""
        if not accounts:
            return []
        names = sorted({account.name for account in accounts})
        bindings = await self._bindings.of_accounts(names, scope=scopes.bindings)
        roles = await self._roles.of_bindings(bindings, scope=scopes.roles)
        bound = _by_account(bindings)
        users = await self._users(names, scopes.deployments)
        found = []
        for account in accounts:
            key = (account.cluster_id, account.namespace, account.name)
            has = granted(bound[key], roles)
            found.append(
                ServiceAccountAndRoles(
                    service_account=account,
                    cluster_roles=has.cluster,
                    scoped_roles=has.scoped,
                    deployment_relationships=users[key],
                )
            )
        return found

    async def _users(
        self, names: Sequence[str], scope: Scope
    ) -> defaultdict[Key, list[SADeploymentRelationship]]:
        users: defaultdict[Key, list[SADeploymentRelationship]] = defaultdict(list)
        query = Query.exact("Service Account", *names)
        for cluster, namespace, name, key, deployment in await self._deployments.values(
            _USERS, query, scope=scope
        ):
            users[cluster, namespace, name].append(SADeploymentRelationship(id=key, name=deployment))
        return users


def _by_account(bindings: Sequence[K8sRoleBinding]) -> defaultdict[Key, list[K8sRoleBinding]]:
    found: defaultdict[Key, list[K8sRoleBinding]] = defaultdict(list)
    for binding in bindings:
        for subject in binding.subjects:
            if subject.kind == SubjectKind.SERVICE_ACCOUNT:
                found[binding.cluster_id, subject.namespace, subject.name].append(binding)
    return found
