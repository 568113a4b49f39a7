"""`v1.NamespaceService`: namespaces and how much they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pyrox.errors import Invalid
from pyrox.pb.api.v1 import common_pb2, namespace_service_pb2
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from services.central.namespaces.store import ContentScopes, NamespaceStore

_READ = Permissions(read=("Namespace",))


class NamespaceService:
    """`v1.NamespaceService`."""

    SERVICE: ClassVar[str] = "v1.NamespaceService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"GetNamespaces": _READ, "GetNamespace": _READ}

    def __init__(self, *, store: NamespaceStore) -> None:
        self._store = store

    async def GetNamespaces(
        self, request: namespace_service_pb2.GetNamespaceRequest, call: Call
    ) -> namespace_service_pb2.GetNamespacesResponse:
        """A page of namespaces."""
        asked = request.query
        found = await self._store.find(asked.query, asked.pagination, scope=call.scope("Namespace"))
        return namespace_service_pb2.GetNamespacesResponse(namespaces=await self._resolved(found, call))

    async def GetNamespace(
        self, request: common_pb2.ResourceByID, call: Call
    ) -> namespace_service_pb2.Namespace:
        """One namespace."""
        if not request.id:
            raise Invalid.because("ID cannot be empty")
        found = await self._store.get(request.id, scope=call.scope("Namespace"))
        if found is None:
            # Upstream central/namespace/service answers so, with the code of a bad request.
            raise Invalid.because(f"Namespace '{request.id}' not found")
        return (await self._resolved([found], call))[0]

    async def _resolved(
        self, found: Sequence[NamespaceMetadata], call: Call
    ) -> list[namespace_service_pb2.Namespace]:
        scopes = ContentScopes(
            deployments=call.scope("Deployment"),
            secrets=call.scope("Secret"),
            network_policies=call.scope("NetworkPolicy"),
        )
        contents = await self._store.contents(found, scopes) if found else {}
        return [
            namespace_service_pb2.Namespace(
                metadata=namespace,
                num_deployments=contents[namespace.id].deployments,
                num_secrets=contents[namespace.id].secrets,
                num_network_policies=contents[namespace.id].network_policies,
            )
            for namespace in found
        ]
