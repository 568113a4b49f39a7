"""Role names to grants, over a snapshot of roles, permission sets, scopes and inventory.

The authenticator asks it for every request, so it answers from memory; the snapshot is
loaded anew when a writer says `invalidate` (also by a database notification from
another replica) or when it is older than `MAX_AGE`. It must not know credentials.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pyrox.clock import Clock
from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from pyrox.rpc.scope import EVERYTHING, NOTHING, Access, Scope
from services.central.access.defaults import UNRESTRICTED_SCOPE_ID
from services.central.access.effective import ClusterFacts, resolve
from services.central.access.grants import ResolvedRole, RoleGrants

# New clusters and namespaces must enter a scope soon; a write invalidates at once.
MAX_AGE = 5.0


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that grants are computed from."""

    roles: Mapping[str, Role]
    permission_sets: Mapping[str, PermissionSet]
    access_scopes: Mapping[str, SimpleAccessScope]
    clusters: Sequence[ClusterFacts]


class BookSource(Protocol):
    """Loads the current state from the database."""

    async def load(self) -> Book:
        """One consistent snapshot."""


class RoleBook:
    """Resolves role names, remembering the answers for one snapshot."""

    def __init__(self, *, source: BookSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._book: Book | None = None
        self._loaded_at = 0.0
        self._generation = 0
        self._answers: dict[frozenset[str], RoleGrants] = {}
        self._loading = asyncio.Lock()

    def invalidate(self) -> None:
        """Forget the snapshot: roles, scopes, clusters or namespaces changed."""
        self._generation += 1
        self._book = None

    async def grants_of(self, names: Iterable[str]) -> RoleGrants:
        """The grants of these roles; names of roles that no longer exist give nothing."""
        wanted = frozenset(names)
        book = await self._current()
        if wanted not in self._answers:
            found = [resolve_role(book, book.roles[name]) for name in sorted(wanted) if name in book.roles]
            self._answers[wanted] = RoleGrants(found)
        return self._answers[wanted]

    async def known(self, names: Iterable[str]) -> frozenset[str]:
        """Those of the names that are roles."""
        book = await self._current()
        return frozenset(names) & book.roles.keys()

    async def all_roles(self) -> list[ResolvedRole]:
        """Every role, resolved, by name."""
        book = await self._current()
        return [resolve_role(book, role) for _, role in sorted(book.roles.items())]

    async def _current(self) -> Book:
        if self._fresh():
            assert self._book is not None  # noqa: S101 - _fresh says so
            return self._book
        async with self._loading:
            if not self._fresh():
                generation = self._generation
                book = await self._source.load()
                self._answers = {}
                self._loaded_at = self._clock.monotonic()
                # A change during the load makes this snapshot good for this caller only.
                self._book = book if generation == self._generation else None
                return book
        return await self._current()

    def _fresh(self) -> bool:
        return self._book is not None and self._clock.monotonic() - self._loaded_at < MAX_AGE


def resolve_role(book: Book, role: Role) -> ResolvedRole:
    """The role with its accesses and its scope as ids; a missing part gives nothing."""
    permissions = book.permission_sets.get(role.permission_set_id)
    access = {k: Access(v) for k, v in permissions.resource_to_access.items()} if permissions else {}
    return ResolvedRole(name=role.name, access=access, scope=_scope_of(book, role.access_scope_id))


def _scope_of(book: Book, scope_id: str) -> Scope:
    if scope_id == UNRESTRICTED_SCOPE_ID:
        return EVERYTHING
    found = book.access_scopes.get(scope_id)
    return NOTHING if found is None else resolve(found.rules, book.clusters)
