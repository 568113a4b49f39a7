"""`v1.SecretService`: secrets without their contents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pyrox.errors import NotFound
from pyrox.pb.api.v1 import common_pb2, search_service_pb2, secret_service_pb2
from pyrox.pb.storage.secret_pb2 import Secret
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from services.central.secrets.store import SecretStore

_READ = Permissions(read=("Secret",))


class SecretService:
    """`v1.SecretService`."""

    SERVICE: ClassVar[str] = "v1.SecretService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetSecret": _READ,
        "CountSecrets": _READ,
        "ListSecrets": _READ,
        "ListSecretsExtended": _READ,
    }

    def __init__(self, *, store: SecretStore) -> None:
        self._store = store

    async def GetSecret(self, request: common_pb2.ResourceByID, call: Call) -> Secret:
        """One secret with the deployments that mount it, as far as the caller may see them."""
        found = await self._store.get(request.id, scope=call.scope("Secret"))
        if found is None:
            raise NotFound.because(f"secret with id '{request.id}' does not exist")
        users = await self._store.users(found, scope=call.scope("Deployment"))
        found.relationship.id = found.id
        del found.relationship.deployment_relationships[:]
        found.relationship.deployment_relationships.extend(users)
        return found

    async def CountSecrets(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> secret_service_pb2.CountSecretsResponse:
        """How many secrets match."""
        count = await self._store.count(request.query, scope=call.scope("Secret"))
        return secret_service_pb2.CountSecretsResponse(count=count)

    async def ListSecrets(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> secret_service_pb2.ListSecretsResponse:
        """A page of secrets."""
        found = await self._store.digests(request.query, request.pagination, scope=call.scope("Secret"))
        return secret_service_pb2.ListSecretsResponse(secrets=found)

    async def ListSecretsExtended(
        self, request: secret_service_pb2.ListSecretsExtendedRequest, call: Call
    ) -> secret_service_pb2.ListSecretsResponse:
        """The same page; relationships are part of single secrets only."""
        return await self.ListSecrets(request.query, call)
