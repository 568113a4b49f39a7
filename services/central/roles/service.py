"""`v1.RoleService`: roles, permission sets, access scopes, and what the caller may do.

The portal and `roxctl central whoami` call it. Grants themselves are computed in the
`access` domain; a write here makes every replica forget its role book.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar
from uuid import uuid4

from pyrox.errors import AlreadyExists, Invalid, NoCredentials, NotAuthorized, NotFound, Referenced
from pyrox.pb.api.v1 import common_pb2, empty_pb2, role_service_pb2
from pyrox.pb.storage.role_pb2 import Access as AccessValue
from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from pyrox.pb.storage.traits_pb2 import Traits
from pyrox.rpc.authz import AUTHENTICATED, UNSERVED, Permissions, Rule
from pyrox.rpc.call import Call
from pyrox.rpc.scope import Access, Scope
from services.central.access.grants import RoleGrants
from services.central.access.resources import RESOURCES, Level
from services.central.roles.store import RoleStore

_READ = Permissions(read=("Access",))
_WRITE = Permissions(write=("Access",))
Identified = PermissionSet | SimpleAccessScope
Traited = Role | Identified


class RoleService:
    """`v1.RoleService`."""

    SERVICE: ClassVar[str] = "v1.RoleService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetRoles": _READ,
        "GetRole": _READ,
        "GetMyPermissions": AUTHENTICATED,
        "CreateRole": _WRITE,
        "UpdateRole": _WRITE,
        "DeleteRole": _WRITE,
        "GetResources": AUTHENTICATED,
        "GetPermissionSet": _READ,
        "ListPermissionSets": _READ,
        "PostPermissionSet": _WRITE,
        "PutPermissionSet": _WRITE,
        "DeletePermissionSet": _WRITE,
        "GetSimpleAccessScope": _READ,
        "ListSimpleAccessScopes": _READ,
        "PostSimpleAccessScope": _WRITE,
        "PutSimpleAccessScope": _WRITE,
        "DeleteSimpleAccessScope": _WRITE,
        "ComputeEffectiveAccessScope": UNSERVED,
        "GetClustersForPermissions": AUTHENTICATED,
        "GetNamespacesForClusterAndPermissions": AUTHENTICATED,
    }

    def __init__(self, *, store: RoleStore) -> None:
        self._store = store

    async def GetResources(self, _: empty_pb2.Empty, __: Call) -> role_service_pb2.GetResourcesResponse:
        """The names that permission sets may use."""
        return role_service_pb2.GetResourcesResponse(resources=RESOURCES)

    async def GetMyPermissions(
        self, _: empty_pb2.Empty, call: Call
    ) -> role_service_pb2.GetPermissionsResponse:
        """The caller's highest access to each resource."""
        grants = call.identity.grants
        if not isinstance(grants, RoleGrants):
            raise NoCredentials
        return role_service_pb2.GetPermissionsResponse(
            resource_to_access={k: AccessValue.ValueType(v) for k, v in grants.permissions().items()}
        )

    async def GetRoles(self, _: empty_pb2.Empty, __: Call) -> role_service_pb2.GetRolesResponse:
        """All roles by name."""
        return role_service_pb2.GetRolesResponse(roles=await self._store.roles())

    async def GetRole(self, request: common_pb2.ResourceByID, _: Call) -> Role:
        """One role by its name."""
        return await self._role(request.id, "retrieve")

    async def CreateRole(self, request: role_service_pb2.CreateRoleRequest, _: Call) -> empty_pb2.Empty:
        """Add a role; the name of the path counts when both are given."""
        role = Role()
        role.CopyFrom(request.role)
        if request.name and role.name and role.name != request.name:
            raise Invalid.because(f'different role names in path and body: "{request.name}", "{role.name}"')
        role.name = request.name or role.name
        _mutable("store", "role", role)
        await self._check_role(role, "store")
        if await self._store.role(role.name) is not None:
            raise AlreadyExists.because(f'failed to store role "{role.name}": role already exists')
        await self._store.put_role(role)
        return empty_pb2.Empty()

    async def UpdateRole(self, request: Role, _: Call) -> empty_pb2.Empty:
        """Replace a role that is not a default one."""
        _mutable("update", "role", await self._role(request.name, "update"))
        _mutable("update", "role", request)
        await self._check_role(request, "update")
        await self._store.put_role(request)
        return empty_pb2.Empty()

    async def DeleteRole(self, request: common_pb2.ResourceByID, _: Call) -> empty_pb2.Empty:
        """Remove a role that is not a default one."""
        _mutable("delete", "role", await self._role(request.id, "delete"))
        await self._store.delete_role(request.id)
        return empty_pb2.Empty()

    async def ListPermissionSets(
        self, _: empty_pb2.Empty, __: Call
    ) -> role_service_pb2.ListPermissionSetsResponse:
        """All permission sets by name."""
        return role_service_pb2.ListPermissionSetsResponse(
            permission_sets=await self._store.permission_sets()
        )

    async def GetPermissionSet(self, request: common_pb2.ResourceByID, _: Call) -> PermissionSet:
        """One permission set by id."""
        return await self._permission_set(request.id, "retrieve")

    async def PostPermissionSet(self, request: PermissionSet, _: Call) -> PermissionSet:
        """Add a permission set under a new id."""
        if request.id:
            raise Invalid.because("setting id field is not allowed")
        _mutable("store", "permission set", request)
        _valid_permission_set(request, "store")
        _unnamed("store", "permission set", request, await self._store.permission_sets())
        request.id = str(uuid4())
        await self._store.put_permission_set(request)
        return request

    async def PutPermissionSet(self, request: PermissionSet, _: Call) -> empty_pb2.Empty:
        """Replace a permission set that is not a default one."""
        _mutable("update", "permission set", await self._permission_set(request.id, "update"))
        _mutable("update", "permission set", request)
        _valid_permission_set(request, "update")
        _unnamed("update", "permission set", request, await self._store.permission_sets())
        await self._store.put_permission_set(request)
        return empty_pb2.Empty()

    async def DeletePermissionSet(self, request: common_pb2.ResourceByID, _: Call) -> empty_pb2.Empty:
        """Remove a permission set that no role uses."""
        found = await self._permission_set(request.id, "delete")
        _mutable("delete", "permission set", found)
        users = [role.name for role in await self._store.roles() if role.permission_set_id == found.id]
        _unused("permission set", found.name, users)
        await self._store.delete_permission_set(found.id)
        return empty_pb2.Empty()

    async def ListSimpleAccessScopes(
        self, _: empty_pb2.Empty, __: Call
    ) -> role_service_pb2.ListSimpleAccessScopesResponse:
        """All access scopes by name."""
        return role_service_pb2.ListSimpleAccessScopesResponse(
            access_scopes=await self._store.access_scopes()
        )

    async def GetSimpleAccessScope(self, request: common_pb2.ResourceByID, _: Call) -> SimpleAccessScope:
        """One access scope by id."""
        return await self._access_scope(request.id, "retrieve")

    async def PostSimpleAccessScope(self, request: SimpleAccessScope, _: Call) -> SimpleAccessScope:
        """Add an access scope under a new id."""
        if request.id:
            raise Invalid.because("setting id field is not allowed")
        _mutable("store", "access scope", request)
        _valid_scope(request, "store")
        _unnamed("store", "access scope", request, await self._store.access_scopes())
        request.id = str(uuid4())
        await self._store.put_access_scope(request)
        return request

    async def PutSimpleAccessScope(self, request: SimpleAccessScope, _: Call) -> empty_pb2.Empty:
        """Replace an access scope that is not a default one."""
        _mutable("update", "access scope", await self._access_scope(request.id, "update"))
        _mutable("update", "access scope", request)
        _valid_scope(request, "update")
        _unnamed("update", "access scope", request, await self._store.access_scopes())
        await self._store.put_access_scope(request)
        return empty_pb2.Empty()

    async def DeleteSimpleAccessScope(self, request: common_pb2.ResourceByID, _: Call) -> empty_pb2.Empty:
        """Remove an access scope that no role uses."""
        found = await self._access_scope(request.id, "delete")
        _mutable("delete", "access scope", found)
        users = [role.name for role in await self._store.roles() if role.access_scope_id == found.id]
        _unused("access scope", found.name, users)
        await self._store.delete_access_scope(found.id)
        return empty_pb2.Empty()

    async def GetClustersForPermissions(
        self, request: role_service_pb2.GetClustersForPermissionsRequest, call: Call
    ) -> role_service_pb2.GetClustersForPermissionsResponse:
        """Clusters in which the caller may read something of these resources."""
        scope = _readable(call, request.permissions)
        answer = role_service_pb2.GetClustersForPermissionsResponse()
        for cluster in await self._store.cluster_facts():
            if scope.allows(cluster.id) or scope.namespaces.get(cluster.id):
                answer.clusters.add(id=cluster.id, name=cluster.name)
        return answer

    async def GetNamespacesForClusterAndPermissions(
        self, request: role_service_pb2.GetNamespaceForClusterAndPermissionsRequest, call: Call
    ) -> role_service_pb2.GetNamespacesForClusterAndPermissionsResponse:
        """Namespaces of one cluster in which the caller may read something of these resources."""
        scope = _readable(call, request.permissions, levels={Level.NAMESPACE})
        answer = role_service_pb2.GetNamespacesForClusterAndPermissionsResponse()
        for cluster in await self._store.cluster_facts():
            if cluster.id != request.cluster_id:
                continue
            for namespace in cluster.namespaces:
                if scope.allows(cluster.id, namespace.name):
                    answer.namespaces.add(id=namespace.id, name=namespace.name)
        return answer

    async def _role(self, name: str, verb: str) -> Role:
        found = await self._store.role(name)
        if found is None:
            raise NotFound.because(f'failed to {verb} role "{name}"')
        return found

    async def _permission_set(self, wanted: str, verb: str) -> PermissionSet:
        for known in await self._store.permission_sets():
            if known.id == wanted:
                return known
        raise NotFound.because(f"failed to {verb} permission set {wanted}")

    async def _access_scope(self, wanted: str, verb: str) -> SimpleAccessScope:
        for known in await self._store.access_scopes():
            if known.id == wanted:
                return known
        raise NotFound.because(f"failed to {verb} access scope {wanted}")

    async def _check_role(self, role: Role, verb: str) -> None:
        errors = [] if role.name else ["role name field must be set"]
        if not any(known.id == role.permission_set_id for known in await self._store.permission_sets()):
            errors.append("role permission_set_id field must be set to an existing permission set")
        if not any(known.id == role.access_scope_id for known in await self._store.access_scopes()):
            errors.append("role access_scope_id field must be set to an existing access scope")
        _raise_all(f'failed to {verb} role "{role.name}"', errors)


def _readable(call: Call, permissions: Iterable[str], levels: Iterable[Level] = tuple(Level)) -> Scope:
    """The union over the named resources, or over all of the levels when none is named."""
    wanted = set(permissions) or set(RESOURCES)
    allowed = set(levels) - {Level.GLOBAL}
    total = Scope()
    for name in wanted:
        if RESOURCES.get(name) in allowed:
            total |= call.scope(name, Access.READ_ACCESS)
    return total


def _raise_all(what: str, errors: list[str]) -> None:
    """Raise `Invalid` in the form of Go's multi-error when there are any."""
    if errors:
        plural = "error" if len(errors) == 1 else "errors"
        lines = "".join(f"\t* {error}\n" for error in errors)
        raise Invalid.because(f"{what}: {len(errors)} {plural} occurred:\n{lines}\n")


def _valid_permission_set(candidate: PermissionSet, verb: str) -> None:
    errors = [] if candidate.name else ["name field must be set"]
    errors += [
        f'resource "{name}" does not exist' for name in candidate.resource_to_access if name not in RESOURCES
    ]
    _raise_all(f'failed to {verb} permission set "{candidate.name}"', errors)


def _valid_scope(candidate: SimpleAccessScope, verb: str) -> None:
    errors = [] if candidate.name else ["name field must be set"]
    if not candidate.HasField("rules"):
        errors.append("rules field must be set")
    _raise_all(f'failed to {verb} access scope "{candidate.name}"', errors)


def _mutable(verb: str, kind: str, found: Traited) -> None:
    """Raise `NotAuthorized` for default and declarative objects, stored ones and new ones alike."""
    origin = found.traits.origin
    if origin != Traits.IMPERATIVE:
        name = Traits.Origin.Name(origin)
        raise NotAuthorized.because(
            f'failed to {verb} {kind} "{found.name}": {kind} "{found.name}"\'s origin is {name}, '
            "cannot be modified or deleted with the current permission"
        )


def _unnamed(verb: str, kind: str, wanted: Identified, known: Iterable[Identified]) -> None:
    """Raise `AlreadyExists` when another object has the name."""
    if any(other.name == wanted.name and other.id != wanted.id for other in known):
        raise AlreadyExists.because(f'failed to {verb} {kind} "{wanted.name}": name already exists')


def _unused(kind: str, name: str, users: list[str]) -> None:
    if users:
        raise Referenced.because(f'failed to delete {kind} "{name}": cannot delete {kind} in use by {users}')
