"""Roles and bindings; deployments carry the level of their service account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from pyrox.k8s import kinds
from pyrox.k8s.client import Json
from pyrox.k8s.watch import Change
from pyrox.pb.storage.rbac_pb2 import K8sRole, K8sRoleBinding
from pyrox.workload import objects
from pyrox.workload.rbac import RoleRef, role_ref, to_binding, to_role
from services.sensor.link.events import Origin
from services.sensor.watch.handlers import Desk, Sinks


@dataclass(frozen=True, slots=True)
class Roles:
    """Publishes roles, and bindings anew when their role appears or goes."""

    desk: Desk

    async def __call__(self, change: Change, value: Json) -> None:
        """Handle one change."""
        uid, kind = objects.uid(value), objects.text(value, "kind")
        if change is Change.DELETED:
            entry = self.desk.publisher.remove("role", uid)
            if entry is not None:
                role = cast("K8sRole", entry.message)
                self.desk.resolver.mark_accounts(self.desk.rbac.remove_role(role))
                self._tell_bindings(RoleRef(role.name, role.namespace))
            return
        role = to_role(value)
        self.desk.publisher.upsert("role", uid, role, Origin(kind, "Role"))
        self.desk.resolver.mark_accounts(self.desk.rbac.put_role(role))
        self._tell_bindings(RoleRef(role.name, role.namespace))

    def _tell_bindings(self, ref: RoleRef) -> None:
        """Correct the role id in the bindings that name the role."""
        role_id = self.desk.rbac.role_id(ref)
        for key in self.desk.rbac.bindings_of(ref):
            entry = self.desk.messages.get("binding", key)
            if entry is None or cast("K8sRoleBinding", entry.message).role_id == role_id:
                continue
            changed = K8sRoleBinding()
            changed.CopyFrom(cast("K8sRoleBinding", entry.message))
            changed.role_id = role_id
            self.desk.publisher.upsert("binding", key, changed, entry.origin)


@dataclass(frozen=True, slots=True)
class Bindings:
    """Publishes bindings."""

    desk: Desk

    async def __call__(self, change: Change, value: Json) -> None:
        """Handle one change."""
        uid = objects.uid(value)
        if change is Change.DELETED:
            self.desk.publisher.remove("binding", uid)
            self.desk.resolver.mark_accounts(self.desk.rbac.remove_binding(uid))
            return
        ref = role_ref(value)
        binding = to_binding(value, role_id=self.desk.rbac.role_id(ref))
        origin = Origin(objects.text(value, "kind"), "Binding")
        self.desk.publisher.upsert("binding", uid, binding, origin)
        self.desk.resolver.mark_accounts(self.desk.rbac.put_binding(binding, ref))


def sinks(desk: Desk) -> Sinks:
    """The kinds handled here."""
    roles, bindings = Roles(desk), Bindings(desk)
    return {
        kinds.ROLE: roles,
        kinds.CLUSTER_ROLE: roles,
        kinds.ROLE_BINDING: bindings,
        kinds.CLUSTER_ROLE_BINDING: bindings,
    }
