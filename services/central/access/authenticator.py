"""Credentials to identities for Central's port.

Asked by all three RPC adapters for every request. The order of the attempts is
upstream's (`central/main.go`): service certificate, bearer token, basic, ServiceCert
token; the first kind that is present decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cryptography import x509

from pyrox.errors import Invalid, NoCredentials
from pyrox.rpc.authn import ServiceAuthenticator
from pyrox.rpc.call import Identity
from services.central.access.basic import BasicAuth
from services.central.access.jwt import API_TOKEN_SOURCE, VALIDATION_FAILED, Claims, TokenIssuer
from services.central.access.rolebook import RoleBook

BASIC_PROVIDER_ID = "4df1b98c-24ed-4073-a9ad-356aec6bb62d"
"""The fixed id of the provider of htpasswd users; all of them are administrators."""
BASIC_ROLES = frozenset({"Admin"})
NO_ROLE = "access for this user is not authorized: no valid role, please contact your system administrator"


class Revocations(Protocol):
    """What was valid once and is no more."""

    async def token_revoked(self, token_id: str) -> bool:
        """Whether an API token of this id was revoked or never existed here."""

    async def bundle_revoked(self, bundle_id: str) -> bool:
        """Whether an init bundle or CRS of this id was revoked."""


class MachineLogins(Protocol):
    """Tokens of other issuers."""

    async def claims(self, token: str) -> Claims | None:
        """What a foreign token stands for; None when its issuer is not configured."""

    async def roles(self, source: str, attributes: Mapping[str, tuple[str, ...]]) -> frozenset[str] | None:
        """The roles of a machine's token; None when its configuration is gone."""


class CentralAuthenticator:
    """Knows services, API tokens, logged-in users, machines and htpasswd users."""

    def __init__(
        self,
        *,
        services: ServiceAuthenticator,
        tokens: TokenIssuer,
        basic: BasicAuth,
        roles: RoleBook,
        revocations: Revocations,
        machines: MachineLogins,
    ) -> None:
        self._services = services
        self._tokens = tokens
        self._basic = basic
        self._roles = roles
        self._revocations = revocations
        self._machines = machines

    async def identify(self, metadata: Mapping[str, str], certificate: x509.Certificate | None) -> Identity:
        """The caller; `ANONYMOUS` without credentials. Raises `NoCredentials` for bad ones."""
        if certificate is not None:
            return await self._unless_revoked(await self._services.identify({}, certificate))
        header = metadata.get("authorization", "")
        scheme, _, credentials = header.partition(" ")
        if scheme.lower() == "bearer":
            return await self._bearer(credentials.strip())
        if scheme == "Basic":
            return await self.user(await self._basic.user_of(credentials.strip()))
        return await self._unless_revoked(self._services.from_token(header))

    async def user(self, name: str) -> Identity:
        """The identity of an htpasswd user whose password was checked."""
        return Identity(
            uid=name,
            name=name,
            grants=await self._roles.grants_of(BASIC_ROLES),
            auth_provider=BASIC_PROVIDER_ID,
            attributes={"role": tuple(sorted(BASIC_ROLES)), "username": (name,)},
        )

    async def _unless_revoked(self, identity: Identity) -> Identity:
        bundle = identity.service.init_bundle if identity.service else ""
        if bundle and await self._revocations.bundle_revoked(bundle):
            raise NoCredentials.of(f'init bundle "{bundle}" is revoked')
        return identity

    async def _bearer(self, token: str) -> Identity:
        claims = self._tokens.verify(token) if self._tokens.is_ours(token) else await self._foreign(token)
        if claims.source == API_TOKEN_SOURCE:
            return await self._api_token(claims)
        if claims.source == BASIC_PROVIDER_ID:
            identity = await self.user(claims.user_id)
            return self._with_expiry(identity, claims)
        return await self._machine(claims)

    async def _foreign(self, token: str) -> Claims:
        """What another issuer's token stands for, as if it had been exchanged before."""
        try:
            found = await self._machines.claims(token)
        except Invalid as error:
            raise NoCredentials.of(VALIDATION_FAILED) from error
        if found is None:
            raise NoCredentials.of(VALIDATION_FAILED)
        return found

    async def _machine(self, claims: Claims) -> Identity:
        roles = await self._machines.roles(claims.source, claims.attributes)
        if roles is None:
            raise NoCredentials.of("token-based: cannot extract identity: unknown token source")
        grants = await self._roles.grants_of(roles)
        if not grants.role_names():
            raise NoCredentials.of(NO_ROLE)
        identity = Identity(
            uid=f"sso:{claims.source}:{claims.user_id}",
            name=claims.user_id,
            friendly_name=claims.full_name,
            grants=grants,
            auth_provider=claims.source,
            attributes=claims.attributes,
        )
        return self._with_expiry(identity, claims)

    async def _api_token(self, claims: Claims) -> Identity:
        if await self._revocations.token_revoked(claims.id):
            raise NoCredentials.of("token-based: cannot extract identity: token is revoked")
        grants = await self._roles.grants_of(claims.roles)
        if not grants.role_names():
            raise NoCredentials.of(NO_ROLE)
        identity = Identity(
            uid=f"auth-token:{claims.id}",
            name=claims.name,
            friendly_name=f"anonymous bearer token {claims.name!r} with roles {list(claims.roles)}",
            grants=grants,
            attributes={"role": claims.roles, "name": (claims.name,)},
        )
        return self._with_expiry(identity, claims)

    @staticmethod
    def _with_expiry(identity: Identity, claims: Claims) -> Identity:
        return Identity(
            uid=identity.uid,
            name=identity.name,
            friendly_name=identity.friendly_name,
            grants=identity.grants,
            auth_provider=identity.auth_provider,
            expires=claims.expires.timestamp(),
            attributes=identity.attributes,
        )
