"""Servicers over real descriptors with a few methods given as functions; the others are unserved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cryptography import x509
from google.protobuf import descriptor_pool

from pyrox.errors import NoCredentials
from pyrox.rpc.authz import ANONYMOUS, AUTHENTICATED, UNSERVED, Rule
from pyrox.rpc.call import ANONYMOUS as NOBODY
from pyrox.rpc.call import Identity
from pyrox.rpc.scope import FullGrants

ADMIN = Identity(uid="admin", name="admin", grants=FullGrants())


def servicer(service: str, rule: Rule = AUTHENTICATED, **functions: Callable[..., Any]) -> Any:
    """An object that serves these methods of the service."""
    names = [method.name for method in descriptor_pool.Default().FindServiceByName(service).methods]
    authz: Mapping[str, Rule] = {name: rule if name in functions else UNSERVED for name in names}
    made = {name: staticmethod(function) for name, function in functions.items()}
    return type("Servicer", (), {"SERVICE": service, "AUTHZ": authz, **made})()


def open_servicer(service: str, **functions: Callable[..., Any]) -> Any:
    """The same, for everybody."""
    return servicer(service, ANONYMOUS, **functions)


class OnePassword:
    """Knows `Bearer admin`; refuses every other header and takes none as nobody."""

    async def identify(self, metadata: Mapping[str, str], certificate: x509.Certificate | None) -> Identity:
        given = metadata.get("authorization", "")
        if given == "Bearer admin":
            return ADMIN
        if given:
            raise NoCredentials.of("token-based: cannot extract identity: token validation failed")
        return NOBODY
