"""Secrets in Central DB: what they are and where they are used, never what is in them."""

from __future__ import annotations

from pyrox.pb.api.v1.pagination_pb2 import Pagination
from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment
from pyrox.pb.storage.secret_pb2 import ListSecret, Secret, SecretDeploymentRelationship
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.reader import Reader
from services.central.db.store import ListedStore, ListForm
from services.central.deployments.digest import digest as deployment_digest
from services.central.secrets.digest import digest

_USERS = ("Deployment ID", "Deployment")


class SecretStore(Reader[Secret]):
    """Secrets. Every read takes the caller's scope."""

    # Upstream central/secret/service: the most that one list shows.
    LIMIT = 1000

    def __init__(self, *, pool: Pool) -> None:
        self._listed = ListedStore(pool=pool, table=tables.SECRETS, list_form=ListForm(ListSecret, digest))
        self._deployments: ListedStore[Deployment, ListDeployment] = ListedStore(
            pool=pool, table=tables.DEPLOYMENTS, list_form=ListForm(ListDeployment, deployment_digest)
        )
        super().__init__(pool=pool, stored=self._listed)

    async def digests(self, text: str, pagination: Pagination, *, scope: Scope) -> list[ListSecret]:
        """The page of a list."""
        page = self._page(pagination)
        return await self._listed.digests(Query.parse(text), scope=scope, page=page)

    async def users(self, secret: Secret, *, scope: Scope) -> list[SecretDeploymentRelationship]:
        """Deployments of the same namespace that mount the secret; `scope` is that of deployments."""
        query = (
            Query.exact("Cluster ID", secret.cluster_id)
            & Query.exact("Namespace", secret.namespace)
            & Query.exact("Secret", secret.name)
        )
        rows = await self._deployments.values(_USERS, query, scope=scope)
        return [SecretDeploymentRelationship(id=row[0], name=row[1]) for row in rows]
