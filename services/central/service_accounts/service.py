"""`v1.ServiceAccountService`: service accounts and what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pyrox.errors import NotFound
from pyrox.pb.api.v1 import common_pb2, search_service_pb2, service_account_service_pb2
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from services.central.service_accounts.store import RelationScopes, ServiceAccountStore

_READ = Permissions(read=("ServiceAccount",))


class ServiceAccountService:
    """`v1.ServiceAccountService`."""

    SERVICE: ClassVar[str] = "v1.ServiceAccountService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"GetServiceAccount": _READ, "ListServiceAccounts": _READ}

    def __init__(self, *, store: ServiceAccountStore) -> None:
        self._store = store

    async def GetServiceAccount(
        self, request: common_pb2.ResourceByID, call: Call
    ) -> service_account_service_pb2.GetServiceAccountResponse:
        """One service account."""
        found = await self._store.get(request.id, scope=call.scope("ServiceAccount"))
        if found is None:
            raise NotFound.because(f"service account with id '{request.id}' does not exist")
        (resolved,) = await self._store.resolved([found], _scopes(call))
        return service_account_service_pb2.GetServiceAccountResponse(sa_and_role=resolved)

    async def ListServiceAccounts(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> service_account_service_pb2.ListServiceAccountResponse:
        """Service accounts that match."""
        scope = call.scope("ServiceAccount")
        found = await self._store.find(request.query, request.pagination, scope=scope)
        resolved = await self._store.resolved(found, _scopes(call))
        return service_account_service_pb2.ListServiceAccountResponse(sa_and_roles=resolved)


def _scopes(call: Call) -> RelationScopes:
    return RelationScopes(
        roles=call.scope("K8sRole"),
        bindings=call.scope("K8sRoleBinding"),
        deployments=call.scope("Deployment"),
    )
