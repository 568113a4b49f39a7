"""Authorisation as data: each servicer lists what each of its methods needs.

A servicer's `AUTHZ` maps method names to one of these rules; `pyrox.rpc.methods`
refuses to start when a method of the descriptor is not in the table. The rule is the
first gate only: the caller's access scope still limits every query.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pyrox.errors import NoCredentials, NotAuthorized, RoxError, Unimplemented
from pyrox.rpc.call import Identity
from pyrox.rpc.scope import Access


class Rule(Protocol):
    """Decides whether an identity may call a method at all."""

    def check(self, identity: Identity) -> None:
        """Return when allowed, else raise `NoCredentials` or `NotAuthorized`."""


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Everybody, with or without credentials, good or bad."""

    def check(self, identity: Identity) -> None:
        """Allow."""


@dataclass(frozen=True, slots=True)
class Identified:
    """Everybody who proved who they are, services included."""

    def check(self, identity: Identity) -> None:
        """Raise `NoCredentials` for nobody."""
        if identity.anonymous:
            raise NoCredentials


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Everybody who is logged in; not for services."""

    def check(self, identity: Identity) -> None:
        """Raise `NoCredentials` when nobody is logged in."""
        if identity.anonymous or (identity.service is not None and not identity.grants.role_names()):
            raise NoCredentials


@dataclass(frozen=True, slots=True)
class Permissions:
    """All of these accesses, each to at least one object."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()

    def check(self, identity: Identity) -> None:
        """Raise what is missing, with upstream's words."""
        Authenticated().check(identity)
        wanted = [(name, Access.READ_ACCESS) for name in self.read]
        wanted += [(name, Access.READ_WRITE_ACCESS) for name in self.write]
        for resource, access in wanted:
            if identity.grants.scope(resource, access).nothing:
                raise NotAuthorized.of(f'"{access.name}" for "{resource}"')


@dataclass(frozen=True, slots=True)
class HasRole:
    """The role itself, for what permissions cannot express (init bundles)."""

    role: str

    def check(self, identity: Identity) -> None:
        """Raise unless the identity has the role."""
        Authenticated().check(identity)
        if self.role not in identity.grants.role_names():
            raise NotAuthorized.of(f'role "{self.role}" is required')


@dataclass(frozen=True, slots=True)
class Services:
    """Only these service identities, proved by a certificate of the service CA."""

    types: frozenset[str]

    @classmethod
    def of(cls, *types: str) -> Services:
        """The rule for these names of `storage.ServiceType`."""
        return cls(frozenset(types))

    def check(self, identity: Identity) -> None:
        """Raise unless the caller is one of the services."""
        if identity.anonymous:
            raise NoCredentials
        if identity.service is None or identity.service.type not in self.types:
            raise NotAuthorized.of("only specific service identities may call this method")


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the rules."""

    rules: tuple[Rule, ...]

    @classmethod
    def of(cls, *rules: Rule) -> AnyOf:
        """The rule that is satisfied by any of these."""
        return cls(rules)

    def check(self, identity: Identity) -> None:
        """Raise the collected reasons when every rule refuses."""
        reasons: list[str] = []
        for rule in self.rules:
            try:
                rule.check(identity)
            except RoxError as refusal:
                reasons.append(refusal.message)
            else:
                return
        raise NotAuthorized.of(f"no authorizer could authorize this request: errors: [{', '.join(reasons)}]")


@dataclass(frozen=True, slots=True)
class Unserved:
    """A method of the descriptor that this release does not serve."""

    def check(self, identity: Identity) -> None:  # noqa: ARG002 - the protocol's form
        """Raise `Unimplemented`; `pyrox.rpc.methods` names the method."""
        raise Unimplemented


ANONYMOUS = Anonymous()
AUTHENTICATED = Authenticated()
IDENTIFIED = Identified()
UNSERVED = Unserved()
ADMIN = HasRole("Admin")
