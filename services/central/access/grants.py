"""The grants of a caller: the union of its roles, each within its own access scope.

Made by `RoleBook` for each identity; asked by authorisation rules and stores. It must
not know where roles are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyrox.rpc.scope import EVERYTHING, NOTHING, Access, Scope
from services.central.access.resources import RESOURCES, Level

NO_ROLE = "None"
"""The role that exists and gives nothing; it never counts as a role."""


@dataclass(frozen=True, slots=True)
class ResolvedRole:
    """A role with its permission set and its scope turned into ids."""

    name: str
    access: Mapping[str, Access]
    scope: Scope


class RoleGrants:
    """What several roles allow together."""

    def __init__(self, roles: Iterable[ResolvedRole]) -> None:
        self._roles = tuple(role for role in roles if role.name != NO_ROLE)
        self._names = frozenset(role.name for role in self._roles)
        self._scopes: dict[tuple[str, Access], Scope] = {}

    def scope(self, resource: str, access: Access) -> Scope:
        """Where at least this access is given; global resources ignore the roles' scopes."""
        key = (resource, access)
        if key not in self._scopes:
            self._scopes[key] = self._compute(resource, access)
        return self._scopes[key]

    def _compute(self, resource: str, access: Access) -> Scope:
        # Upstream builtin_scoped_authorizer.go: a scope never limits a global resource.
        is_global = RESOURCES.get(resource, Level.GLOBAL) is Level.GLOBAL
        total = NOTHING
        for role in self._roles:
            if role.access.get(resource, Access.NO_ACCESS) >= access:
                total |= EVERYTHING if is_global else role.scope
        return total

    def role_names(self) -> frozenset[str]:
        """The names of the roles."""
        return self._names

    def permissions(self) -> dict[str, Access]:
        """The highest access to each resource over all roles, without regard to scopes."""
        highest: dict[str, Access] = {}
        for role in self._roles:
            for resource, access in role.access.items():
                highest[resource] = max(access, highest.get(resource, Access.NO_ACCESS))
        return {name: access for name, access in sorted(highest.items()) if access}

    def roles(self) -> tuple[ResolvedRole, ...]:
        """The roles one by one, for the login status."""
        return self._roles
