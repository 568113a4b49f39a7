"""Custom routes without a server: their app, and people who call it by a bearer word."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509
from fastapi import APIRouter, FastAPI

from pyrox.errors import NoCredentials
from pyrox.rpc.call import ANONYMOUS, Identity, ServiceIdentity
from pyrox.rpc.scope import NOTHING, Access, FullGrants, Scope
from services.central.routes.app import custom_routes
from tests.support.asgi import Headers


class Reads:
    """May read some resources within a scope, and nothing else."""

    def __init__(self, *resources: str, within: Scope) -> None:
        self.resources = resources
        self.within = within

    def scope(self, resource: str, access: Access) -> Scope:
        return self.within if resource in self.resources and access <= Access.READ_ACCESS else NOTHING

    def role_names(self) -> frozenset[str]:
        return frozenset({"Reader"})


class People:
    """An authenticator that knows callers by a word; `bad` is a bad credential."""

    def __init__(self, **known: Identity) -> None:
        self.known = {"admin": Identity(uid="admin", grants=FullGrants()), **known}
        self.certificates: list[x509.Certificate | None] = []

    async def identify(self, metadata: Mapping[str, str], certificate: x509.Certificate | None) -> Identity:
        self.certificates.append(certificate)
        word = metadata.get("authorization", "").removeprefix("Bearer ")
        if word == "bad":
            raise NoCredentials.of("token-based: cannot extract identity: token validation failed")
        return self.known.get(word, ANONYMOUS)


def service(kind: str, identifier: str = "") -> Identity:
    """The identity of a service certificate."""
    return Identity(uid=f"mtls:{kind}", service=ServiceIdentity(kind, identifier))


def bearer(word: str) -> Headers:
    """The header by which `People` knows a caller."""
    return {"authorization": f"Bearer {word}"} if word else {}


def app_of(*routers: APIRouter) -> FastAPI:
    """The app of these routers, put together as Central does."""
    return custom_routes(routers)
