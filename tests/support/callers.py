"""Callers of servicers in tests: who they are and what they may, said in one line."""

from __future__ import annotations

from pyrox.rpc.call import Call, Identity
from pyrox.rpc.scope import NOTHING, Access, FullGrants, Scope


class May:
    """Grants of single resources within one scope."""

    def __init__(self, within: Scope, *, read: tuple[str, ...] = (), write: tuple[str, ...] = ()) -> None:
        self.within = within
        self.read = {*read, *write}
        self.write = set(write)

    def scope(self, resource: str, access: Access) -> Scope:
        allowed = self.write if access is Access.READ_WRITE_ACCESS else self.read
        return self.within if resource in allowed else NOTHING

    def role_names(self) -> frozenset[str]:
        return frozenset({"Limited"})


ADMIN = Call(method="/test", identity=Identity(uid="admin", name="admin", grants=FullGrants()))


def limited(within: Scope, *, read: tuple[str, ...] = (), write: tuple[str, ...] = ()) -> Call:
    """A call of somebody with these rights."""
    return Call(method="/test", identity=Identity(uid="limited", grants=May(within, read=read, write=write)))
