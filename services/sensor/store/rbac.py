"""Roles and bindings, for the permission level of a deployment's service account.

Written by the RBAC handlers, read by the resolver. It must not know messages' way out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pyrox.pb.storage.rbac_pb2 import K8sRole, K8sRoleBinding, PermissionLevel, SubjectKind
from pyrox.workload.rbac import RoleLevel, RoleRef, level_of, role_level

Account = tuple[str, str]
"""Namespace and name of a service account."""


@dataclass(frozen=True, slots=True)
class _Role:
    id: str
    level: RoleLevel


@dataclass(frozen=True, slots=True)
class _Binding:
    role: RoleRef
    cluster_wide: bool
    accounts: frozenset[Account]


_UNKNOWN = _Role("", RoleLevel.NONE)


class Rbac:
    """Index of who is bound to what."""

    def __init__(self) -> None:
        self._roles: dict[RoleRef, _Role] = {}
        self._bindings: dict[str, _Binding] = {}
        self._of_account: defaultdict[Account, set[str]] = defaultdict(set)
        self._of_role: defaultdict[RoleRef, set[str]] = defaultdict(set)

    def put_role(self, role: K8sRole) -> set[Account]:
        """Store a role; the accounts whose level may have changed."""
        ref = RoleRef(role.name, role.namespace)
        self._roles[ref] = _Role(role.id, role_level(role.rules))
        return self._accounts(self._of_role.get(ref, ()))

    def remove_role(self, role: K8sRole) -> set[Account]:
        """Forget a role; the accounts whose level may have changed."""
        ref = RoleRef(role.name, role.namespace)
        self._roles.pop(ref, None)
        return self._accounts(self._of_role.get(ref, ()))

    def role_id(self, ref: RoleRef) -> str:
        """The id of a role, empty when there is none."""
        return self._roles.get(ref, _UNKNOWN).id

    def bindings_of(self, ref: RoleRef) -> set[str]:
        """The ids of the bindings that name the role."""
        return set(self._of_role.get(ref, ()))

    def put_binding(self, binding: K8sRoleBinding, role: RoleRef) -> set[Account]:
        """Store a binding; the accounts whose level may have changed."""
        changed = self.remove_binding(binding.id)
        accounts = frozenset(
            (subject.namespace or binding.namespace, subject.name)
            for subject in binding.subjects
            if subject.kind == SubjectKind.SERVICE_ACCOUNT
        )
        self._bindings[binding.id] = _Binding(role, binding.cluster_role, accounts)
        self._of_role[role].add(binding.id)
        for account in accounts:
            self._of_account[account].add(binding.id)
        return changed | accounts

    def remove_binding(self, key: str) -> set[Account]:
        """Forget a binding; the accounts whose level may have changed."""
        binding = self._bindings.pop(key, None)
        if binding is None:
            return set()
        self._of_role[binding.role].discard(key)
        for account in binding.accounts:
            self._of_account[account].discard(key)
        return set(binding.accounts)

    def level(self, account: Account) -> PermissionLevel.ValueType:
        """The highest level that any binding gives; NONE without bindings."""
        levels = [
            level_of(
                self._roles.get(self._bindings[key].role, _UNKNOWN).level,
                cluster_wide=self._bindings[key].cluster_wide,
            )
            for key in self._of_account.get(account, ())
        ]
        return max(levels, default=PermissionLevel.NONE)

    def _accounts(self, keys: Iterable[str]) -> set[Account]:
        return {account for key in keys for account in self._bindings[key].accounts}
