"""`v1.RbacService`: Kubernetes roles, role bindings and the users and groups they bind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pyrox.errors import NotFound
from pyrox.pb.api.v1 import common_pb2, rbac_service_pb2, search_service_pb2
from pyrox.pb.storage.rbac_pb2 import K8sRoleBinding, Subject, SubjectKind
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from services.central.rbac.granted import granted
from services.central.rbac.store import BindingStore, RoleStore

_ROLE = Permissions(read=("K8sRole",))
_BINDING = Permissions(read=("K8sRoleBinding",))
_SUBJECT = Permissions(read=("K8sSubject",))
_PEOPLE = (SubjectKind.USER, SubjectKind.GROUP)


class RbacService:
    """`v1.RbacService`."""

    SERVICE: ClassVar[str] = "v1.RbacService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetRole": _ROLE,
        "ListRoles": _ROLE,
        "GetRoleBinding": _BINDING,
        "ListRoleBindings": _BINDING,
        "GetSubject": _SUBJECT,
        "ListSubjects": _SUBJECT,
    }

    def __init__(self, *, roles: RoleStore, bindings: BindingStore) -> None:
        self._roles = roles
        self._bindings = bindings

    async def GetRole(self, request: common_pb2.ResourceByID, call: Call) -> rbac_service_pb2.GetRoleResponse:
        """One role."""
        found = await self._roles.get(request.id, scope=call.scope("K8sRole"))
        if found is None:
            # Upstream quotes the id twice.
            raise NotFound.because(f"k8s role with id '\"{request.id}\"' does not exist")
        return rbac_service_pb2.GetRoleResponse(role=found)

    async def ListRoles(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> rbac_service_pb2.ListRolesResponse:
        """Roles that match."""
        found = await self._roles.find(request.query, request.pagination, scope=call.scope("K8sRole"))
        return rbac_service_pb2.ListRolesResponse(roles=found)

    async def GetRoleBinding(
        self, request: common_pb2.ResourceByID, call: Call
    ) -> rbac_service_pb2.GetRoleBindingResponse:
        """One role binding."""
        found = await self._bindings.get(request.id, scope=call.scope("K8sRoleBinding"))
        if found is None:
            raise NotFound.because(f"k8s role binding with id '\"{request.id}\"' does not exist")
        return rbac_service_pb2.GetRoleBindingResponse(binding=found)

    async def ListRoleBindings(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> rbac_service_pb2.ListRoleBindingsResponse:
        """Role bindings that match."""
        scope = call.scope("K8sRoleBinding")
        found = await self._bindings.find(request.query, request.pagination, scope=scope)
        return rbac_service_pb2.ListRoleBindingsResponse(bindings=found)

    async def GetSubject(
        self, request: common_pb2.ResourceByID, call: Call
    ) -> rbac_service_pb2.GetSubjectResponse:
        """One user or group by name, with its roles."""
        bindings = await self._bindings.of_person(request.id, scope=call.scope("K8sSubject"))
        subject = next((one for b in bindings for one in _people(b) if one.name == request.id), None)
        if subject is None:
            raise NotFound.because(f"Subject not found: {request.id}")
        roles = await self._roles.of_bindings(bindings, scope=call.scope("K8sRole"))
        has = granted(bindings, roles)
        return rbac_service_pb2.GetSubjectResponse(
            subject=subject, cluster_roles=has.cluster, scoped_roles=has.scoped
        )

    async def ListSubjects(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> rbac_service_pb2.ListSubjectsResponse:
        """Users and groups by name, each with all its roles."""
        bindings = await self._bindings.of_people(request.query, scope=call.scope("K8sSubject"))
        roles = await self._roles.of_bindings(bindings, scope=call.scope("K8sRole"))
        subjects: dict[tuple[str, int], rbac_service_pb2.SubjectAndRoles] = {}
        for binding in bindings:
            for subject in _people(binding):
                key = (subject.name, subject.kind)
                found = subjects.setdefault(key, rbac_service_pb2.SubjectAndRoles(subject=subject))
                role = roles.get(binding.role_id)
                if role is not None and all(known.id != role.id for known in found.roles):
                    found.roles.append(role)
        return rbac_service_pb2.ListSubjectsResponse(
            subject_and_roles=[subjects[k] for k in sorted(subjects)]
        )


def _people(binding: K8sRoleBinding) -> list[Subject]:
    return [subject for subject in binding.subjects if subject.kind in _PEOPLE]
