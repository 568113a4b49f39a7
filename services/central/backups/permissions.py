"""Who may take the whole database away, and who may replace it.

A backup holds every object of every cluster, so the rights must cover all resources and
everything in them: a role whose access scope is narrower may read each resource
somewhere, yet not a backup. (Upstream asks for the resources alone.)
"""

from __future__ import annotations

from dataclasses import dataclass

from pyrox.errors import NotAuthorized
from pyrox.rpc.authz import Permissions
from pyrox.rpc.call import Identity
from pyrox.rpc.scope import Access
from services.central.access.resources import RESOURCES


@dataclass(frozen=True, slots=True)
class WholeDatabase:
    """This access to every resource, without a limit of scope."""

    access: Access

    def check(self, identity: Identity) -> None:
        """Raise `NoCredentials` or `NotAuthorized` unless the identity has it."""
        names = tuple(RESOURCES)
        writes = self.access is Access.READ_WRITE_ACCESS
        Permissions(read=() if writes else names, write=names if writes else ()).check(identity)
        for name in names:
            if not identity.grants.scope(name, self.access).unrestricted:
                raise NotAuthorized.of(f'"{self.access.name}" for "{name}" in all clusters')


READ_ALL = WholeDatabase(Access.READ_ACCESS)
WRITE_ALL = WholeDatabase(Access.READ_WRITE_ACCESS)
