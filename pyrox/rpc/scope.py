"""What part of the world a caller may see: the access scope of one resource.

Authorisation makes it (`Grants.scope`), stores hand it to the search compiler, where it
is a mandatory argument. It must not know roles or SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol


class Access(IntEnum):
    """The numbers of `storage.Access`."""

    NO_ACCESS = 0
    READ_ACCESS = 1
    READ_WRITE_ACCESS = 2


@dataclass(frozen=True, slots=True)
class Scope:
    """Whole clusters and single namespaces, by cluster id and namespace name.

    An object of cluster scope is visible when its cluster is in `clusters`; one of
    namespace scope also when its (cluster id, namespace) is in `namespaces`. An object
    of global scope is visible when `nothing` is false.
    """

    unrestricted: bool = False
    clusters: frozenset[str] = frozenset()
    namespaces: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """Whether no object at all is visible."""
        return not (self.unrestricted or self.clusters or self.namespaces)

    def allows(self, cluster_id: str = "", namespace: str = "") -> bool:
        """Whether an object there is visible; no cluster means a global object."""
        if self.unrestricted or not cluster_id:
            return not self.nothing
        return cluster_id in self.clusters or namespace in self.namespaces.get(cluster_id, ())

    def __or__(self, other: Scope) -> Scope:
        """The union, as several roles of one caller add up."""
        if self.unrestricted or other.unrestricted:
            return EVERYTHING
        merged = {k: v | other.namespaces.get(k, frozenset()) for k, v in self.namespaces.items()}
        merged |= {k: v for k, v in other.namespaces.items() if k not in merged}
        return Scope(clusters=self.clusters | other.clusters, namespaces=merged)


EVERYTHING = Scope(unrestricted=True)
NOTHING = Scope()


class Grants(Protocol):
    """All that a caller may do: the union of its roles, each within its own scope."""

    def scope(self, resource: str, access: Access) -> Scope:
        """Where the caller has at least this access to the resource; `NOTHING` when nowhere."""

    def role_names(self) -> frozenset[str]:
        """The names of the roles, for rules that ask for a role itself."""


class NoGrants:
    """The grants of somebody who has no role."""

    def scope(self, resource: str, access: Access) -> Scope:  # noqa: ARG002 - the protocol's form
        """Nothing."""
        return NOTHING

    def role_names(self) -> frozenset[str]:
        """None."""
        return frozenset()


class FullGrants:
    """The grants of the system itself, for work that no user asked for."""

    def scope(self, resource: str, access: Access) -> Scope:  # noqa: ARG002 - the protocol's form
        """Everything."""
        return EVERYTHING

    def role_names(self) -> frozenset[str]:
        """Admin, as the system may do what an administrator may."""
        return frozenset({"Admin"})
