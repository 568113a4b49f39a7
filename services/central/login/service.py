"""`v1.AuthProviderService` and `v1.AuthService`: ways to log in, and who the caller is.

The portal's login page, `roxctl central whoami` and the Jenkins plugin call them. Only
the basic provider exists so far; others are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import parse_qs
from uuid import uuid4

from pyrox.clock import Clock
from pyrox.errors import Invalid, NoCredentials, NotAuthorized, NotFound
from pyrox.pb.api.v1 import auth_service_pb2, authprovider_service_pb2, common_pb2, empty_pb2
from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from pyrox.pb.storage.auth_provider_pb2 import AuthProvider
from pyrox.pb.storage.role_pb2 import Access as AccessValue
from pyrox.pb.storage.service_identity_pb2 import ServiceIdentity, ServiceType
from pyrox.pb.storage.traits_pb2 import Traits
from pyrox.rpc.authz import ANONYMOUS, IDENTIFIED, UNSERVED, Permissions, Rule
from pyrox.rpc.call import Call, Identity
from services.central.access.authenticator import BASIC_PROVIDER_ID, CentralAuthenticator
from services.central.access.basic import BasicAuth
from services.central.access.grants import RoleGrants
from services.central.access.jwt import Claims, TokenIssuer
from services.central.access.rolebook import RoleBook
from services.central.machines.exchange import Exchange
from services.central.machines.rules import completed, validate
from services.central.machines.store import MachineStore

# Upstream central/auth/userpass: a portal session after a password login.
BASIC_TOKEN_LIFE = timedelta(hours=24)
# The year-9999 moment that upstream shows for credentials that never end.
_NEVER = (253402300799, 999999999)


def basic_provider() -> AuthProvider:
    """The provider of htpasswd users as upstream describes it."""
    return AuthProvider(
        id=BASIC_PROVIDER_ID,
        name="Login with username/password",
        type="basic",
        enabled=True,
        login_url=f"/sso/login/{BASIC_PROVIDER_ID}",
        validated=True,
        active=True,
    )


def basic_claims(name: str, now: datetime) -> Claims:
    """What the session token of an htpasswd user says."""
    issued = now.replace(microsecond=0)
    return Claims(
        source=BASIC_PROVIDER_ID,
        id=str(uuid4()),
        issued=issued,
        expires=issued + BASIC_TOKEN_LIFE,
        user_id=name,
        full_name=name,
    )


def status_of(identity: Identity) -> auth_service_pb2.AuthStatus:
    """The caller as the portal's session shows it."""
    status = auth_service_pb2.AuthStatus()
    if identity.service is not None:
        status.service_id.CopyFrom(_service(identity))
    else:
        status.user_id = identity.uid
    if identity.expires is None:
        status.expires.seconds, status.expires.nanos = _NEVER
    else:
        status.expires.FromDatetime(datetime.fromtimestamp(identity.expires, UTC))
    if identity.auth_provider == BASIC_PROVIDER_ID:
        status.auth_provider.CopyFrom(basic_provider())
    if isinstance(identity.grants, RoleGrants):
        _add_user(status, identity, identity.grants)
    for key in sorted(identity.attributes):
        status.user_attributes.add(key=key, values=identity.attributes[key])
    return status


def _service(identity: Identity) -> ServiceIdentity:
    assert identity.service is not None  # noqa: S101 - the caller looked
    return ServiceIdentity(
        id=identity.service.id,
        type=ServiceType.Value(identity.service.type),
        init_bundle_id=identity.service.init_bundle,
    )


def _add_user(status: auth_service_pb2.AuthStatus, identity: Identity, grants: RoleGrants) -> None:
    info = status.user_info
    info.username = identity.name
    info.friendly_name = identity.friendly_name
    for resource, access in grants.permissions().items():
        info.permissions.resource_to_access[resource] = AccessValue.ValueType(access)
    for role in sorted(grants.roles(), key=lambda found: found.name):
        added = info.roles.add(name=role.name)
        for resource, access in role.access.items():
            added.resource_to_access[resource] = AccessValue.ValueType(access)


class AuthService:
    """`v1.AuthService`."""

    SERVICE: ClassVar[str] = "v1.AuthService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetAuthStatus": IDENTIFIED,
        "ListAuthMachineToMachineConfigs": Permissions(read=("Access",)),
        "GetAuthMachineToMachineConfig": Permissions(read=("Access",)),
        "AddAuthMachineToMachineConfig": Permissions(write=("Access",)),
        "UpdateAuthMachineToMachineConfig": Permissions(write=("Access",)),
        "DeleteAuthMachineToMachineConfig": Permissions(write=("Access",)),
        "ExchangeAuthMachineToMachineToken": ANONYMOUS,
    }

    def __init__(self, *, machines: MachineStore, roles: RoleBook, exchange: Exchange) -> None:
        self._machines = machines
        self._roles = roles
        self._exchange = exchange

    async def GetAuthStatus(self, _: empty_pb2.Empty, call: Call) -> auth_service_pb2.AuthStatus:
        """Who the caller is; `NoCredentials` for nobody."""
        if call.identity.anonymous:
            raise NoCredentials
        return status_of(call.identity)

    async def ListAuthMachineToMachineConfigs(
        self, _: empty_pb2.Empty, __: Call
    ) -> auth_service_pb2.ListAuthMachineToMachineConfigResponse:
        """Which issuers' tokens machines may exchange."""
        found = await self._machines.all_configs()
        return auth_service_pb2.ListAuthMachineToMachineConfigResponse(configs=map(_shown, found))

    async def GetAuthMachineToMachineConfig(
        self, request: common_pb2.ResourceByID, _: Call
    ) -> auth_service_pb2.GetAuthMachineToMachineConfigResponse:
        """One of them."""
        found = await self._machines.get(request.id)
        if found is None:
            raise NotFound(f'auth machine to machine config with id "{request.id}"')
        return auth_service_pb2.GetAuthMachineToMachineConfigResponse(config=_shown(found))

    async def AddAuthMachineToMachineConfig(
        self, request: auth_service_pb2.AddAuthMachineToMachineConfigRequest, _: Call
    ) -> auth_service_pb2.AddAuthMachineToMachineConfigResponse:
        """Trust another issuer."""
        config = await self._valid(request, needs_id=False)
        config.id = str(uuid4())
        await self._machines.put(config)
        return auth_service_pb2.AddAuthMachineToMachineConfigResponse(config=_shown(config))

    async def UpdateAuthMachineToMachineConfig(
        self, request: auth_service_pb2.UpdateAuthMachineToMachineConfigRequest, _: Call
    ) -> empty_pb2.Empty:
        """Change what an issuer is trusted with."""
        config = await self._valid(request, needs_id=True)
        await self._refuse_declared(config.id)
        await self._machines.put(config)
        return empty_pb2.Empty()

    async def DeleteAuthMachineToMachineConfig(
        self, request: common_pb2.ResourceByID, _: Call
    ) -> empty_pb2.Empty:
        """Trust an issuer no longer; tokens that it was given for end at once."""
        await self._refuse_declared(request.id)
        await self._machines.delete(request.id)
        return empty_pb2.Empty()

    async def ExchangeAuthMachineToMachineToken(
        self, request: auth_service_pb2.ExchangeAuthMachineToMachineTokenRequest, _: Call
    ) -> auth_service_pb2.ExchangeAuthMachineToMachineTokenResponse:
        """A machine's ID token for a token of Central's."""
        token = await self._exchange.exchange(request.id_token)
        return auth_service_pb2.ExchangeAuthMachineToMachineTokenResponse(access_token=token)

    async def _refuse_declared(self, config_id: str) -> None:
        """Raise `NotAuthorized` for a configuration that a mounted file declares."""
        known = await self._machines.get(config_id)
        if known is not None and known.traits.origin == Traits.DECLARATIVE:
            raise NotAuthorized.of(
                f'machine to machine auth config "{known.issuer}"\'s origin is DECLARATIVE, cannot be '
                "modified or deleted with the current permission"
            )

    async def _valid(
        self,
        request: auth_service_pb2.AddAuthMachineToMachineConfigRequest
        | auth_service_pb2.UpdateAuthMachineToMachineConfigRequest,
        *,
        needs_id: bool,
    ) -> AuthMachineToMachineConfig:
        if not request.HasField("config"):
            raise Invalid("empty config given")
        config = completed(AuthMachineToMachineConfig.FromString(request.config.SerializeToString()))
        known = await self._roles.known(mapping.role for mapping in config.mappings)
        validate(config, known, needs_id=needs_id)
        return config


def _shown(config: AuthMachineToMachineConfig) -> auth_service_pb2.AuthMachineToMachineConfig:
    """The message of the API, which has the stored one's fields and numbers."""
    return auth_service_pb2.AuthMachineToMachineConfig.FromString(config.SerializeToString())


class AuthProviderService:
    """`v1.AuthProviderService`."""

    SERVICE: ClassVar[str] = "v1.AuthProviderService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "ListAvailableProviderTypes": ANONYMOUS,
        "GetAuthProvider": Permissions(read=("Access",)),
        "GetLoginAuthProviders": ANONYMOUS,
        "GetAuthProviders": Permissions(read=("Access",)),
        "PostAuthProvider": UNSERVED,
        "UpdateAuthProvider": UNSERVED,
        "PutAuthProvider": UNSERVED,
        "DeleteAuthProvider": UNSERVED,
        "ExchangeToken": ANONYMOUS,
    }

    def __init__(
        self, *, basic: BasicAuth, authenticator: CentralAuthenticator, issuer: TokenIssuer, clock: Clock
    ) -> None:
        self._basic = basic
        self._authenticator = authenticator
        self._issuer = issuer
        self._clock = clock

    async def ListAvailableProviderTypes(
        self, _: empty_pb2.Empty, __: Call
    ) -> authprovider_service_pb2.AvailableProviderTypesResponse:
        """The kinds of provider that an administrator may add."""
        return authprovider_service_pb2.AvailableProviderTypesResponse()

    async def GetAuthProvider(
        self, request: authprovider_service_pb2.GetAuthProviderRequest, _: Call
    ) -> AuthProvider:
        """One provider."""
        if request.id != BASIC_PROVIDER_ID:
            raise NotFound.because(f'auth provider "{request.id}" not found')
        return basic_provider()

    async def GetLoginAuthProviders(
        self, _: empty_pb2.Empty, __: Call
    ) -> authprovider_service_pb2.GetLoginAuthProvidersResponse:
        """What the login page offers."""
        provider = basic_provider()
        answer = authprovider_service_pb2.GetLoginAuthProvidersResponse()
        answer.auth_providers.add(
            id=provider.id, name=provider.name, type=provider.type, login_url=provider.login_url
        )
        return answer

    async def GetAuthProviders(
        self, request: authprovider_service_pb2.GetAuthProvidersRequest, _: Call
    ) -> authprovider_service_pb2.GetAuthProvidersResponse:
        """All providers, or those of a name or type."""
        provider = basic_provider()
        fits = request.name in {"", provider.name} and request.type in {"", provider.type}
        return authprovider_service_pb2.GetAuthProvidersResponse(auth_providers=[provider] if fits else [])

    async def ExchangeToken(
        self, request: authprovider_service_pb2.ExchangeTokenRequest, _: Call
    ) -> authprovider_service_pb2.ExchangeTokenResponse:
        """A user name and password for a session token.

        The external token of type `basic` is a query string of both; `state` is the
        provider's id, or `<id>:<anything>` that the client gets back.
        """
        if request.type != "basic":
            raise Invalid.because(f"unexpected auth provider type {request.type!r}; only basic is served")
        provider_id, _sep, client_state = request.state.partition(":")
        if provider_id != BASIC_PROVIDER_ID:
            raise Invalid.because(f"could not locate auth provider {provider_id!r}")
        try:
            fields = parse_qs(request.external_token, max_num_fields=8)
        except ValueError as err:
            raise Invalid.because("the external token must hold a user name and a password") from err
        name, password = fields.get("username", [""])[0], fields.get("password", [""])[0]
        await self._basic.check(name, password)
        claims = basic_claims(name, self._clock.now())
        user = await self._authenticator.user(name)
        return authprovider_service_pb2.ExchangeTokenResponse(
            token=self._issuer.sign(claims), client_state=client_state, user=status_of(user)
        )
