"""`v1.APITokenService`: tokens for machines; a token is shown once, when it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar
from uuid import uuid4

from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.clock import Clock
from pyrox.errors import Invalid, NotAuthorized, NotFound
from pyrox.pb.api.v1 import api_token_service_pb2, common_pb2, empty_pb2
from pyrox.pb.storage.api_token_pb2 import TokenMetadata
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from pyrox.rpc.scope import Scope
from services.central.access.grants import ResolvedRole
from services.central.access.jwt import API_TOKEN_LIFE, API_TOKEN_SOURCE, Claims, TokenIssuer
from services.central.access.resources import RESOURCES, Level
from services.central.access.rolebook import RoleBook
from services.central.tokens.store import TokenStore

_READ = Permissions(read=("Integration",))


def covers(have: Scope, wanted: Scope) -> bool:
    """Whether every object of `wanted` lies in `have`."""
    if have.unrestricted:
        return True
    if wanted.unrestricted or not wanted.clusters <= have.clusters:
        return False
    return all(
        cluster in have.clusters or names <= have.namespaces.get(cluster, frozenset())
        for cluster, names in wanted.namespaces.items()
    )


def may_grant(call: Call, role: ResolvedRole) -> bool:
    """Whether the caller has all that the role gives, so that no token gives more."""
    for resource, access in role.access.items():
        is_global = RESOURCES.get(resource, Level.GLOBAL) is Level.GLOBAL
        wanted = Scope(unrestricted=True) if is_global else role.scope
        if access and not covers(call.scope(resource, access), wanted):
            return False
    return True


class APITokenService:
    """`v1.APITokenService`."""

    SERVICE: ClassVar[str] = "v1.APITokenService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetAPIToken": _READ,
        "GetAPITokens": _READ,
        "GenerateToken": Permissions(read=("Access",), write=("Integration",)),
        "RevokeToken": Permissions(write=("Integration",)),
        "ListAllowedTokenRoles": Permissions(read=("Access",)),
    }

    def __init__(self, *, store: TokenStore, roles: RoleBook, issuer: TokenIssuer, clock: Clock) -> None:
        self._store = store
        self._roles = roles
        self._issuer = issuer
        self._clock = clock

    async def GetAPIToken(self, request: common_pb2.ResourceByID, _: Call) -> TokenMetadata:
        """One token's metadata."""
        found = await self._store.get(request.id)
        if found is None:
            raise NotFound.because(f"token with id '{request.id}' does not exist")
        return found

    async def GetAPITokens(
        self, request: api_token_service_pb2.GetAPITokensRequest, _: Call
    ) -> api_token_service_pb2.GetAPITokensResponse:
        """All tokens, or those that are (not) revoked."""
        found = await self._store.newest_first()
        if request.WhichOneof("revoked_oneof"):
            found = [token for token in found if token.revoked == request.revoked]
        return api_token_service_pb2.GetAPITokensResponse(tokens=found)

    async def ListAllowedTokenRoles(
        self, _: empty_pb2.Empty, call: Call
    ) -> api_token_service_pb2.ListAllowedTokenRolesResponse:
        """The roles that the caller may put into a token."""
        names = [role.name for role in await self._roles.all_roles() if may_grant(call, role)]
        return api_token_service_pb2.ListAllowedTokenRolesResponse(roleNames=names)

    async def RevokeToken(self, request: common_pb2.ResourceByID, _: Call) -> empty_pb2.Empty:
        """End a token's validity at once."""
        found = await self._store.get(request.id)
        if found is None:
            raise NotFound.because(f"token with id '{request.id}' does not exist")
        found.revoked = True
        await self._store.put(found)
        return empty_pb2.Empty()

    async def GenerateToken(
        self, request: api_token_service_pb2.GenerateTokenRequest, call: Call
    ) -> api_token_service_pb2.GenerateTokenResponse:
        """Sign a new token for roles that the caller has itself."""
        if not request.name:
            raise Invalid.because("token name cannot be empty")
        roles = await self._requested_roles(request, call)
        claims = self._claims(request, [role.name for role in roles])
        metadata = TokenMetadata(id=claims.id, name=claims.name, roles=claims.roles)
        metadata.issued_at.FromDatetime(claims.issued)
        metadata.expiration.FromDatetime(claims.expires)
        await self._store.put(metadata)
        return api_token_service_pb2.GenerateTokenResponse(token=self._issuer.sign(claims), metadata=metadata)

    async def _requested_roles(
        self, request: api_token_service_pb2.GenerateTokenRequest, call: Call
    ) -> Sequence[ResolvedRole]:
        if request.role and request.roles:
            raise Invalid.because("must use either role or roles, but not both")
        names = list(request.roles) or ([request.role] if request.role else [])
        if not names:
            raise Invalid.because("must specify at least one role")
        known = {role.name: role for role in await self._roles.all_roles()}
        if missing := [name for name in names if name not in known]:
            raise Invalid.because(f"role(s) {','.join(missing)} do not exist")
        wanted = [known[name] for name in names]
        if beyond := [role.name for role in wanted if not may_grant(call, role)]:
            raise NotAuthorized.of(f"creating a token with roles {beyond} would exceed your own access")
        return wanted

    def _claims(self, request: api_token_service_pb2.GenerateTokenRequest, roles: Sequence[str]) -> Claims:
        issued = self._clock.now().replace(microsecond=0)
        expires = issued + API_TOKEN_LIFE
        if request.HasField("expiration"):
            asked = _moment(request.expiration)
            if asked <= issued:
                raise Invalid.because(f"expiration date {_rfc3339(asked)} is in the past")
            expires = min(asked.replace(microsecond=0), expires)
        return Claims(
            source=API_TOKEN_SOURCE,
            id=str(uuid4()),
            issued=issued,
            expires=expires,
            name=request.name,
            roles=tuple(roles),
        )


def _moment(stamp: Timestamp) -> datetime:
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as err:
        raise Invalid.because("expiration is no date between the years 1 and 9999") from err


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
