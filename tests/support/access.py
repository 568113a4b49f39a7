"""Everything that knows callers, over a database: roles, tokens, logins, as Central composes it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bcrypt
from joserfc.jwk import RSAKey

from pyrox.clock import SystemClock
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust
from pyrox.pb.api.v1 import api_token_service_pb2 as token_pb
from pyrox.pb.api.v1 import role_service_pb2 as role_pb
from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from pyrox.pg.pool import Pool
from pyrox.rpc.authn import ServiceAuthenticator
from pyrox.rpc.call import Call
from services.central.access import defaults
from services.central.access.authenticator import CentralAuthenticator
from services.central.access.basic import BasicAuth
from services.central.access.defaults import UNRESTRICTED_SCOPE_ID
from services.central.access.jwt import Claims, TokenIssuer
from services.central.access.rolebook import RoleBook
from services.central.login.service import AuthProviderService
from services.central.roles.service import RoleService
from services.central.roles.store import RoleStore
from services.central.tokens.service import APITokenService
from services.central.tokens.store import TokenStore
from tests.support.fleet import Fleet
from tests.support.pki import FixedClock

NO_ID = "00000000-0000-4000-8000-000000000000"
DENY_ALL = "ffffffff-ffff-fff4-f5ff-fffffffffffe"
ADMIN_SET = "ffffffff-ffff-fff4-f5ff-ffffffffffff"
READ, WRITE = "READ_ACCESS", "READ_WRITE_ACCESS"
KEY = RSAKey.generate_key(2048)
ROOT = CertificateAuthority.create(clock=SystemClock())
HASHED = bcrypt.hashpw(b"letmein", bcrypt.gensalt(4)).decode()


class NoMachines:
    """No other issuer's tokens are known."""

    async def claims(self, token: str) -> Claims | None:
        return None

    async def roles(self, source: str, attributes: Mapping[str, tuple[str, ...]]) -> frozenset[str] | None:
        return None


class AccessSite:
    """Everything that knows callers, as Central composes it."""

    def __init__(self, pool: Pool, directory: Path) -> None:
        self.clock = FixedClock(datetime.now(UTC).replace(microsecond=0))
        self.revoked_bundles: set[str] = set()
        self.store = RoleStore(pool=pool, defaults=defaults.load(), on_change=self._changed)
        self.book = RoleBook(source=self.store, clock=self.clock)
        self.tokens = TokenStore(pool=pool, clock=self.clock)
        issuer = TokenIssuer(key=KEY, clock=self.clock)
        self.htpasswd = directory / "htpasswd"
        self.htpasswd.write_text(f"admin:{HASHED}\n")
        basic = BasicAuth(path=self.htpasswd)
        trust = ServiceTrust([ROOT.certificate], self.clock)
        self.authenticator = CentralAuthenticator(
            services=ServiceAuthenticator(trust=trust),
            tokens=issuer,
            basic=basic,
            roles=self.book,
            revocations=self,
            machines=NoMachines(),
        )
        self.roles = RoleService(store=self.store)
        self.api_tokens = APITokenService(store=self.tokens, roles=self.book, issuer=issuer, clock=self.clock)
        self.login = AuthProviderService(
            basic=basic, authenticator=self.authenticator, issuer=issuer, clock=self.clock
        )

    def _changed(self) -> None:
        self.book.invalidate()

    async def token_revoked(self, token_id: str) -> bool:
        return await self.tokens.token_revoked(token_id)

    async def bundle_revoked(self, bundle_id: str) -> bool:
        return bundle_id in self.revoked_bundles

    async def as_token(self, token: str, scheme: str = "Bearer") -> Call:
        """A call of whoever has the token."""
        identity = await self.authenticator.identify({"authorization": f"{scheme} {token}"}, None)
        return Call(method="/", identity=identity)

    async def admin(self) -> Call:
        return await self.as_token(base64.b64encode(b"admin:letmein").decode(), "Basic")

    async def permission_set(self, name: str, **access: Any) -> PermissionSet:
        return await self.roles.PostPermissionSet(
            PermissionSet(name=name, resource_to_access=access),
            await self.admin(),
        )

    async def scope(self, name: str, **rules: Any) -> SimpleAccessScope:
        made = SimpleAccessScope(name=name, rules=SimpleAccessScope.Rules(**rules))
        return await self.roles.PostSimpleAccessScope(made, await self.admin())

    async def role(self, name: str, access: Mapping[str, str], scope_id: str = UNRESTRICTED_SCOPE_ID) -> None:
        made = await self.permission_set(f"{name} permissions", **access)
        role = Role(name=name, permission_set_id=made.id, access_scope_id=scope_id)
        await self.roles.CreateRole(role_pb.CreateRoleRequest(name=name, role=role), await self.admin())

    async def token(
        self, *roles: str, call: Call | None = None, **fields: Any
    ) -> token_pb.GenerateTokenResponse:
        request = token_pb.GenerateTokenRequest(name=fields.pop("name", "ci"), roles=roles, **fields)
        return await self.api_tokens.GenerateToken(request, call or await self.admin())

    async def holder(self, *roles: str) -> Call:
        """A call with a token of these roles."""
        return await self.as_token((await self.token(*roles)).token)


async def fresh(pool: Pool, directory: Path) -> AccessSite:
    """The site of a new installation."""
    await Fleet(pool).clear()
    for table in ("roles", "permission_sets", "simple_access_scopes", "api_tokens"):
        await pool.execute(f"DELETE FROM {table}")  # noqa: S608 - our names
    made = AccessSite(pool, directory)
    await made.store.ensure_defaults()
    return made
