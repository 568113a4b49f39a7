"""Who may do what: roles, scopes, API tokens, logins, over a real database."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from joserfc.jwk import RSAKey

from pyrox.clock import SystemClock
from pyrox.errors import (
    AlreadyExists,
    Invalid,
    NoCredentials,
    NotAuthorized,
    NotFound,
    Referenced,
    RoxError,
)
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust
from pyrox.mtls.identity import Subject
from pyrox.pb.api.v1 import api_token_service_pb2 as token_pb
from pyrox.pb.api.v1 import role_service_pb2 as role_pb
from pyrox.pb.api.v1.authprovider_service_pb2 import ExchangeTokenRequest
from pyrox.pb.api.v1.common_pb2 import ResourceByID
from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.pb.storage.api_token_pb2 import TokenMetadata
from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from pyrox.pb.storage.traits_pb2 import Traits
from pyrox.pg.pool import Pool
from pyrox.rpc.authn import ServiceAuthenticator
from pyrox.rpc.call import Call
from pyrox.rpc.scope import EVERYTHING, NOTHING, Access, Scope
from services.central.access import defaults
from services.central.access.authenticator import BASIC_PROVIDER_ID, CentralAuthenticator
from services.central.access.basic import BasicAuth
from services.central.access.defaults import UNRESTRICTED_SCOPE_ID
from services.central.access.jwt import Claims, TokenIssuer
from services.central.access.rolebook import MAX_AGE, RoleBook
from services.central.login.service import AuthProviderService, status_of
from services.central.roles.service import RoleService
from services.central.roles.store import RoleStore
from services.central.tokens.service import APITokenService
from services.central.tokens.store import REMEMBERED_SECONDS, TokenStore
from tests.support.fleet import BLUE, GREEN, RED, Fleet
from tests.support.pki import SENSOR, FixedClock

pytestmark = pytest.mark.needs("postgres")
NO_ID = "00000000-0000-4000-8000-000000000000"
DENY_ALL = "ffffffff-ffff-fff4-f5ff-fffffffffffe"
ADMIN_SET = "ffffffff-ffff-fff4-f5ff-ffffffffffff"
READ, WRITE = "READ_ACCESS", "READ_WRITE_ACCESS"
NO_NAME = "\t* role name field must be set\n"
NO_SET = "\t* role permission_set_id field must be set to an existing permission set\n"
NO_SCOPE = "\t* role access_scope_id field must be set to an existing access scope\n"
KEY = RSAKey.generate_key(2048)
ROOT = CertificateAuthority.create(clock=SystemClock())
HASHED = bcrypt.hashpw(b"letmein", bcrypt.gensalt(4)).decode()


class NoMachines:
    """No other issuer's tokens are known."""

    async def claims(self, token: str) -> Claims | None:
        return None

    async def roles(self, source: str, attributes: Mapping[str, tuple[str, ...]]) -> frozenset[str] | None:
        return None


class Site:
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


@pytest.fixture
async def site(central_pool: Pool, tmp_path: Path) -> Site:
    await Fleet(central_pool).clear()
    for table in ("roles", "permission_sets", "simple_access_scopes", "api_tokens"):
        await central_pool.execute(f"DELETE FROM {table}")  # noqa: S608 - our names
    made = Site(central_pool, tmp_path)
    await made.store.ensure_defaults()
    return made


def claims(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and body, unverified."""
    parts = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]
    return parts[0], parts[1]


# --- roles -----------------------------------------------------------------------------


async def test_defaults_are_those_of_the_reference_system(site: Site) -> None:
    admin = await site.admin()
    roles = (await site.roles.GetRoles(Empty(), admin)).roles
    assert [role.name for role in roles] == sorted(role.name for role in roles)
    assert {role.name for role in roles} == {
        "Admin",
        "Analyst",
        "Configuration Controller",
        "Continuous Integration",
        "Network Graph Viewer",
        "None",
        "Sensor Creator",
        "Vulnerability Management Approver",
        "Vulnerability Management Requester",
        "Vulnerability Report Creator",
    }
    assert all(role.traits.origin == Traits.DEFAULT for role in roles)
    scopes = (await site.roles.ListSimpleAccessScopes(Empty(), admin)).access_scopes
    assert [(scope.name, scope.id) for scope in scopes] == [
        ("Deny All", DENY_ALL),
        ("Unrestricted", UNRESTRICTED_SCOPE_ID),
    ]


async def test_defaults_are_mended_at_the_next_start_and_own_objects_stay(site: Site) -> None:
    await site.role("Mine", {"Image": READ})
    changed = await site.store.role("Analyst")
    assert changed is not None
    changed.description = "changed by hand"
    await site.store.put_role(changed)
    await site.store.ensure_defaults()
    mended = await site.store.role("Analyst")
    assert mended is not None
    assert mended.description == "For users: use it to give read-only access to all the resources"
    assert await site.store.role("Mine") is not None


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        ("Continuous Integration", {"Detection": Access.READ_ACCESS, "Image": Access.READ_WRITE_ACCESS}),
        ("Sensor Creator", {"Administration": Access.READ_WRITE_ACCESS, "Cluster": Access.READ_WRITE_ACCESS}),
        (
            "Network Graph Viewer",
            dict.fromkeys(("Deployment", "NetworkGraph", "NetworkPolicy"), Access.READ_ACCESS),
        ),
    ],
)
async def test_my_permissions_are_those_of_the_role(
    site: Site, role: str, permissions: dict[str, Access]
) -> None:
    answer = await site.roles.GetMyPermissions(Empty(), await site.holder(role))
    assert {k: Access(v) for k, v in answer.resource_to_access.items()} == permissions


async def test_analyst_reads_everything_but_administration(site: Site) -> None:
    mine = (await site.roles.GetMyPermissions(Empty(), await site.holder("Analyst"))).resource_to_access
    every = (await site.roles.GetResources(Empty(), await site.admin())).resources
    assert set(mine) == set(every) - {"Administration"}
    assert {Access(value) for value in mine.values()} == {Access.READ_ACCESS}


async def test_role_made_changed_and_removed_takes_effect_at_once(site: Site) -> None:
    await site.role("Reader", {"Image": READ})
    call = await site.holder("Reader")
    assert call.scope("Image") == EVERYTHING
    found = await site.roles.GetRole(ResourceByID(id="Reader"), await site.admin())
    sets = (await site.roles.ListPermissionSets(Empty(), await site.admin())).permission_sets
    mine = next(one for one in sets if one.id == found.permission_set_id)
    mine.resource_to_access["Image"] = Access.READ_WRITE_ACCESS.value  # type: ignore[assignment]
    await site.roles.PutPermissionSet(mine, await site.admin())
    token = (await site.token("Reader")).token
    assert (await site.as_token(token)).scope("Image", Access.READ_WRITE_ACCESS) == EVERYTHING
    found.access_scope_id = DENY_ALL
    await site.roles.UpdateRole(found, await site.admin())
    assert (await site.as_token(token)).scope("Image") == NOTHING
    await site.roles.DeleteRole(ResourceByID(id="Reader"), await site.admin())
    with pytest.raises(NoCredentials, match="no valid role, please contact your system administrator"):
        await site.as_token(token)


async def test_role_of_another_replica_is_seen_within_seconds(site: Site, central_pool: Pool) -> None:
    replica = RoleStore(pool=central_pool, defaults=defaults.load(), on_change=lambda: None)
    assert await site.book.known(["Late"]) == frozenset()
    await replica.put_role(
        Role(name="Late", permission_set_id=ADMIN_SET, access_scope_id=UNRESTRICTED_SCOPE_ID)
    )
    assert await site.book.known(["Late"]) == frozenset()
    site.clock.moment += timedelta(seconds=MAX_AGE)
    assert await site.book.known(["Late", "Never"]) == {"Late"}


@pytest.mark.parametrize(
    ("role", "message"),
    [
        (
            Role(name="X"),
            'failed to store role "X": 2 errors occurred:\n' + NO_SET + NO_SCOPE + "\n: invalid arguments",
        ),
        (
            Role(permission_set_id=ADMIN_SET, access_scope_id=DENY_ALL),
            'failed to store role "": 1 error occurred:\n' + NO_NAME + "\n: invalid arguments",
        ),
        (
            Role(name="X", permission_set_id=DENY_ALL[:-1] + "0", access_scope_id=ADMIN_SET),
            'failed to store role "X": 1 error occurred:\n' + NO_SET + "\n: invalid arguments",
        ),
    ],
)
async def test_role_that_refers_to_nothing_is_refused(site: Site, role: Role, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        await site.roles.CreateRole(role_pb.CreateRoleRequest(role=role), await site.admin())
    assert caught.value.message == message


async def test_role_name_of_path_and_body_must_agree(site: Site) -> None:
    role = Role(name="A", permission_set_id=ADMIN_SET, access_scope_id=DENY_ALL)
    with pytest.raises(Invalid, match='different role names in path and body: "B", "A"'):
        await site.roles.CreateRole(role_pb.CreateRoleRequest(name="B", role=role), await site.admin())
    role.name = ""
    await site.roles.CreateRole(role_pb.CreateRoleRequest(name="B", role=role), await site.admin())
    with pytest.raises(AlreadyExists, match='failed to store role "B"'):
        await site.roles.CreateRole(role_pb.CreateRoleRequest(name="B", role=role), await site.admin())


DEFAULTS: list[tuple[str, Any, str, str]] = [
    ("DeleteRole", ResourceByID(id="Admin"), "delete", 'role "Admin"'),
    ("UpdateRole", Role(name="Admin", permission_set_id=ADMIN_SET), "update", 'role "Admin"'),
    ("DeletePermissionSet", ResourceByID(id=ADMIN_SET), "delete", 'permission set "Admin"'),
    ("PutPermissionSet", PermissionSet(id=ADMIN_SET, name="X"), "update", 'permission set "Admin"'),
    ("DeleteSimpleAccessScope", ResourceByID(id=DENY_ALL), "delete", 'access scope "Deny All"'),
    ("PutSimpleAccessScope", SimpleAccessScope(id=DENY_ALL, name="X"), "update", 'access scope "Deny All"'),
]


@pytest.mark.parametrize(("method", "request_", "verb", "what"), DEFAULTS, ids=[d[0] for d in DEFAULTS])
async def test_default_object_cannot_be_changed(
    site: Site, method: str, request_: Any, verb: str, what: str
) -> None:
    with pytest.raises(NotAuthorized) as caught:
        await getattr(site.roles, method)(request_, await site.admin())
    assert caught.value.message == (
        f"failed to {verb} {what}: {what}'s origin is DEFAULT, "
        "cannot be modified or deleted with the current permission: not authorized"
    )


@pytest.mark.parametrize("origin", [Traits.DEFAULT, Traits.DECLARATIVE])
async def test_object_cannot_be_made_or_turned_into_a_default_one(
    site: Site, origin: Traits.Origin.ValueType
) -> None:
    traits, admin = Traits(origin=origin), await site.admin()
    await site.role("Mine", {"Image": READ})
    mine = await site.store.role("Mine")
    scope = await site.scope("Mine")
    assert mine is not None
    mine.traits.CopyFrom(traits)
    rules = SimpleAccessScope.Rules()
    attempts = [
        site.roles.CreateRole(
            role_pb.CreateRoleRequest(
                role=Role(name="X", permission_set_id=ADMIN_SET, access_scope_id=DENY_ALL, traits=traits)
            ),
            admin,
        ),
        site.roles.UpdateRole(mine, admin),
        site.roles.PostPermissionSet(PermissionSet(name="X", traits=traits), admin),
        site.roles.PutPermissionSet(PermissionSet(id=mine.permission_set_id, name="X", traits=traits), admin),
        site.roles.PostSimpleAccessScope(SimpleAccessScope(name="X", rules=rules, traits=traits), admin),
        site.roles.PutSimpleAccessScope(
            SimpleAccessScope(id=scope.id, name="X", rules=rules, traits=traits), admin
        ),
    ]
    for attempt in attempts:
        with pytest.raises(NotAuthorized, match="cannot be modified or deleted"):
            await attempt
    assert await site.store.role("X") is None


@pytest.mark.parametrize(
    ("method", "request_", "message"),
    [
        ("GetRole", ResourceByID(id="NoSuch"), 'failed to retrieve role "NoSuch": not found'),
        ("DeleteRole", ResourceByID(id="NoSuch"), 'failed to delete role "NoSuch": not found'),
        ("UpdateRole", Role(name="NoSuch"), 'failed to update role "NoSuch": not found'),
        ("GetPermissionSet", ResourceByID(id=NO_ID), f"failed to retrieve permission set {NO_ID}: not found"),
        ("PutPermissionSet", PermissionSet(id="x"), "failed to update permission set x: not found"),
        ("DeletePermissionSet", ResourceByID(), "failed to delete permission set : not found"),
        ("GetSimpleAccessScope", ResourceByID(id="a\0"), "failed to retrieve access scope a\0: not found"),
        ("PutSimpleAccessScope", SimpleAccessScope(), "failed to update access scope : not found"),
        ("DeleteSimpleAccessScope", ResourceByID(id="x"), "failed to delete access scope x: not found"),
    ],
)
async def test_object_that_does_not_exist_is_not_found(
    site: Site, method: str, request_: Any, message: str
) -> None:
    with pytest.raises(NotFound) as caught:
        await getattr(site.roles, method)(request_, await site.admin())
    assert caught.value.message == message


async def test_object_that_a_role_uses_cannot_be_removed(site: Site) -> None:
    scope = await site.scope("Prod")
    await site.role("Reader", {"Image": READ}, scope.id)
    role = await site.store.role("Reader")
    assert role is not None
    admin = await site.admin()
    with pytest.raises(Referenced, match=r"cannot delete access scope in use by \['Reader'\]"):
        await site.roles.DeleteSimpleAccessScope(ResourceByID(id=scope.id), admin)
    with pytest.raises(Referenced, match=r"cannot delete permission set in use by \['Reader'\]"):
        await site.roles.DeletePermissionSet(ResourceByID(id=role.permission_set_id), admin)
    await site.roles.DeleteRole(ResourceByID(id="Reader"), admin)
    await site.roles.DeleteSimpleAccessScope(ResourceByID(id=scope.id), admin)
    await site.roles.DeletePermissionSet(ResourceByID(id=role.permission_set_id), admin)


async def test_names_of_sets_and_scopes_are_given_once(site: Site) -> None:
    admin, rules = await site.admin(), SimpleAccessScope.Rules()
    first, second = await site.permission_set("a"), await site.permission_set("b")
    one, two = await site.scope("a"), await site.scope("b")
    with pytest.raises(AlreadyExists, match='failed to store permission set "a"'):
        await site.permission_set("a")
    with pytest.raises(AlreadyExists, match='failed to update permission set "a"'):
        await site.roles.PutPermissionSet(PermissionSet(id=second.id, name="a"), admin)
    with pytest.raises(AlreadyExists, match='failed to store access scope "Unrestricted"'):
        await site.scope("Unrestricted")
    with pytest.raises(AlreadyExists, match='failed to update access scope "a"'):
        await site.roles.PutSimpleAccessScope(SimpleAccessScope(id=two.id, name="a", rules=rules), admin)
    await site.roles.PutPermissionSet(PermissionSet(id=first.id, name="a", description="d"), admin)
    await site.roles.PutSimpleAccessScope(SimpleAccessScope(id=one.id, name="c", rules=rules), admin)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (PermissionSet(), 'failed to store permission set "": 1 error occurred:\n\t* name field must be set'),
        (
            PermissionSet(name="x", resource_to_access={"Imagine": 1}),  # type: ignore[dict-item]
            '1 error occurred:\n\t* resource "Imagine" does not exist',
        ),
        (PermissionSet(name="x", id=NO_ID), "setting id field is not allowed"),
    ],
)
async def test_permission_set_that_makes_no_sense_is_refused(
    site: Site, wanted: PermissionSet, message: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await site.roles.PostPermissionSet(wanted, await site.admin())
    assert message in caught.value.message


async def test_access_scope_that_makes_no_sense_is_refused_in_the_recorded_words(site: Site) -> None:
    with pytest.raises(Invalid) as caught:
        await site.roles.PostSimpleAccessScope(SimpleAccessScope(), await site.admin())
    assert caught.value.message == (
        'failed to store access scope "": 2 errors occurred:\n'
        "\t* name field must be set\n\t* rules field must be set\n\n: invalid arguments"
    )
    with pytest.raises(Invalid, match="setting id field is not allowed"):
        await site.roles.PostSimpleAccessScope(SimpleAccessScope(id=NO_ID), await site.admin())


# --- scopes ----------------------------------------------------------------------------


async def clusters_of(site: Site, call: Call, *resources: str) -> list[str]:
    request = role_pb.GetClustersForPermissionsRequest(permissions=resources)
    return sorted(c.name for c in (await site.roles.GetClustersForPermissions(request, call)).clusters)


async def namespaces_of(site: Site, call: Call, cluster: str, *resources: str) -> list[str]:
    request = role_pb.GetNamespaceForClusterAndPermissionsRequest(cluster_id=cluster, permissions=resources)
    answer = await site.roles.GetNamespacesForClusterAndPermissions(request, call)
    return sorted(namespace.name for namespace in answer.namespaces)


async def test_scope_of_a_role_follows_the_inventory(site: Site, central_pool: Pool) -> None:
    scope = await site.scope(
        "Red and beta",
        included_clusters=["beta"],
        included_namespaces=[{"cluster_name": "alpha", "namespace_name": "red"}],
    )
    await site.role("Limited", {"Deployment": READ, "Cluster": READ, "Integration": READ}, scope.id)
    token = (await site.token("Limited")).token
    assert (await site.as_token(token)).scope("Deployment") == NOTHING
    await Fleet(central_pool).write()
    site.clock.moment += timedelta(seconds=MAX_AGE)
    call = await site.as_token(token)
    expected = Scope(clusters=frozenset({GREEN.cluster_id}), namespaces={RED.cluster_id: frozenset({"red"})})
    assert call.scope("Deployment") == expected
    assert call.scope("Deployment", Access.READ_WRITE_ACCESS) == NOTHING
    assert call.scope("Integration") == EVERYTHING
    assert await clusters_of(site, call, "Deployment") == ["alpha", "beta"]
    assert await clusters_of(site, call, "Node") == []
    assert await clusters_of(site, call, "Integration") == []
    assert await clusters_of(site, call) == ["alpha", "beta"]
    assert await namespaces_of(site, call, RED.cluster_id, "Deployment") == ["red"]
    assert await namespaces_of(site, call, GREEN.cluster_id) == ["green"]
    assert await namespaces_of(site, call, RED.cluster_id, "Cluster") == []
    assert await namespaces_of(site, call, NO_ID, "Deployment") == []
    everything = await site.admin()
    assert await namespaces_of(site, everything, BLUE.cluster_id) == ["blue", "red"]


async def test_role_with_scope_deny_all_keeps_global_rights_only(site: Site, central_pool: Pool) -> None:
    await Fleet(central_pool).write()
    await site.role("Shut", {"Deployment": WRITE, "Integration": READ}, DENY_ALL)
    call = await site.holder("Shut")
    assert call.scope("Deployment") == NOTHING
    assert call.scope("Integration") == EVERYTHING
    assert await clusters_of(site, call) == []


# --- API tokens ------------------------------------------------------------------------


async def test_token_carries_the_reference_systems_claims(site: Site) -> None:
    made = await site.token("Analyst", "Continuous Integration", name="ci")
    header, body = claims(made.token)
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "jwtk0"}
    now = int(site.clock.now().timestamp())
    assert body == {
        "iss": "https://stackrox.io/jwt",
        "aud": ["https://stackrox.io/jwt-sources#api-tokens"],
        "iat": now,
        "exp": now + 365 * 24 * 3600,
        "jti": made.metadata.id,
        "name": "ci",
        "roles": ["Analyst", "Continuous Integration"],
    }
    stored = await site.api_tokens.GetAPIToken(ResourceByID(id=made.metadata.id), await site.admin())
    assert stored == made.metadata
    assert not stored.revoked
    assert list(stored.roles) == ["Analyst", "Continuous Integration"]
    assert stored.expiration.seconds == body["exp"]


async def test_token_identifies_its_holder(site: Site) -> None:
    made = await site.token("Analyst")
    identity = (await site.as_token(made.token, "bEARER")).identity
    assert identity.uid == f"auth-token:{made.metadata.id}"
    assert (identity.name, set(identity.grants.role_names())) == ("ci", {"Analyst"})
    assert identity.expires == made.metadata.expiration.seconds


async def test_token_ends_with_its_time(site: Site) -> None:
    ends = site.clock.now() + timedelta(hours=1)
    made = await site.token("Analyst", expiration=Timestamp(seconds=int(ends.timestamp())))
    site.clock.moment = ends - timedelta(seconds=1)
    await site.as_token(made.token)
    site.clock.moment = ends
    with pytest.raises(NoCredentials, match="token validation failed"):
        await site.as_token(made.token)


@pytest.mark.parametrize(
    ("seconds", "error"),
    [
        (0, "is in the past"),
        (-1, "is in the past"),
        ((1 << 62), "expiration is no date"),
        (-(1 << 62), "expiration is no date"),
    ],
)
async def test_token_with_an_impossible_end_is_refused(site: Site, seconds: int, error: str) -> None:
    if abs(seconds) < 10:
        seconds += int(site.clock.now().timestamp())
    with pytest.raises(Invalid, match=error):
        await site.token("Analyst", expiration=Timestamp(seconds=seconds))
    assert await site.tokens.newest_first() == []


async def test_token_lives_a_year_at_most(site: Site) -> None:
    made = await site.token("Analyst", expiration=Timestamp(seconds=253402300799))
    lives = made.metadata.expiration.seconds - made.metadata.issued_at.seconds
    assert lives == 365 * 24 * 3600


async def test_revoked_token_is_refused_at_once_and_stays_listed(site: Site) -> None:
    made, kept = await site.token("Analyst"), await site.token("Analyst", name="kept")
    await site.as_token(made.token)
    await site.api_tokens.RevokeToken(ResourceByID(id=made.metadata.id), await site.admin())
    with pytest.raises(NoCredentials, match="token is revoked"):
        await site.as_token(made.token)
    await site.as_token(kept.token)

    async def listed(**fields: bool) -> set[str]:
        request = token_pb.GetAPITokensRequest(**fields)
        return {t.name for t in (await site.api_tokens.GetAPITokens(request, await site.admin())).tokens}

    assert await listed() == {"ci", "kept"}
    assert await listed(revoked=True) == {"ci"}
    assert await listed(revoked=False) == {"kept"}


async def test_revocation_on_another_replica_is_seen_within_seconds(site: Site, central_pool: Pool) -> None:
    made = await site.token("Analyst")
    await site.as_token(made.token)
    replica = TokenStore(pool=central_pool, clock=site.clock)
    await replica.put(TokenMetadata(id=made.metadata.id, revoked=True))
    site.clock.moment += timedelta(seconds=REMEMBERED_SECONDS)
    with pytest.raises(NoCredentials, match="token is revoked"):
        await site.as_token(made.token)


async def test_signed_token_that_the_database_does_not_know_is_refused(
    site: Site, central_pool: Pool
) -> None:
    made = await site.token("Admin")
    await central_pool.execute("DELETE FROM api_tokens")
    with pytest.raises(NoCredentials, match="token is revoked"):
        await site.as_token(made.token)


async def test_tokens_are_listed_the_newest_first(site: Site) -> None:
    for name in ("first", "second", "third"):
        await site.token("Analyst", name=name)
        site.clock.moment += timedelta(seconds=1)
    request = token_pb.GetAPITokensRequest()
    found = (await site.api_tokens.GetAPITokens(request, await site.admin())).tokens
    assert [token.name for token in found] == ["third", "second", "first"]


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"name": ""}, "token name cannot be empty: invalid arguments"),
        ({"name": "x"}, "must specify at least one role"),
        ({"name": "x", "roles": ["Admin"], "role": "Admin"}, "must use either role or roles, but not both"),
        ({"name": "x", "roles": ["NoSuch", "Admin", "Nor"]}, "NoSuch,Nor do not exist"),
        ({"name": "x", "role": "NoSuch"}, "NoSuch do not exist"),
    ],
)
async def test_token_request_that_makes_no_sense_is_refused(
    site: Site, request_: dict[str, Any], error: str
) -> None:
    request, admin = token_pb.GenerateTokenRequest(**request_), await site.admin()
    with pytest.raises(Invalid) as caught:
        await site.api_tokens.GenerateToken(request, admin)
    assert error in caught.value.message


async def test_token_of_an_old_client_with_one_role_is_made(site: Site) -> None:
    request = token_pb.GenerateTokenRequest(name="old", role="Analyst")
    made = await site.api_tokens.GenerateToken(request, await site.admin())
    assert list(made.metadata.roles) == ["Analyst"]


@pytest.mark.parametrize("wanted", [NO_ID, "", "a\0b"])
async def test_token_that_does_not_exist_is_not_found(site: Site, wanted: str) -> None:
    for method in (site.api_tokens.GetAPIToken, site.api_tokens.RevokeToken):
        with pytest.raises(NotFound) as caught:
            await method(ResourceByID(id=wanted), await site.admin())
        assert caught.value.message == f"token with id '{wanted}' does not exist: not found"


async def test_token_gives_no_more_than_its_maker_has(site: Site, central_pool: Pool) -> None:
    await Fleet(central_pool).write()
    red = await site.scope("Red", included_namespaces=[{"cluster_name": "alpha", "namespace_name": "red"}])
    alpha = await site.scope("Alpha", included_clusters=["alpha"])
    makes = {"Access": READ, "Integration": WRITE}
    await site.role("Maker", {**makes, "Image": READ, "Deployment": WRITE}, alpha.id)
    await site.role("Alpha images", {"Image": READ}, alpha.id)
    await site.role("Red images", {"Image": READ}, red.id)
    await site.role("Alpha image writer", {"Image": WRITE}, alpha.id)
    await site.role("All images", {"Image": READ})
    await site.role("Global", {"Integration": WRITE}, red.id)
    await site.role("Other global", {"Administration": READ}, red.id)
    maker = await site.holder("Maker")
    allowed = {"Maker", "Alpha images", "Red images", "Global", "None"}
    listed = (await site.api_tokens.ListAllowedTokenRoles(Empty(), maker)).roleNames
    assert set(listed) == allowed
    for role in ("Admin", "All images", "Alpha image writer", "Other global", "Analyst"):
        with pytest.raises(NotAuthorized, match="would exceed your own access"):
            await site.token("Red images", role, call=maker)
    made = await site.token("Red images", call=maker)
    assert (await site.as_token(made.token)).scope("Image") == Scope(
        namespaces={RED.cluster_id: frozenset({"red"})}
    )
    everyone = (await site.api_tokens.ListAllowedTokenRoles(Empty(), await site.admin())).roleNames
    assert set(everyone) == {role.name for role in await site.store.roles()}


async def test_token_of_the_role_none_opens_nothing(site: Site) -> None:
    with pytest.raises(NoCredentials, match="no valid role"):
        await site.holder("None")


# --- logging in ------------------------------------------------------------------------


async def exchange(site: Site, external: str, **fields: str) -> Any:
    wanted = {"external_token": external, "type": "basic", "state": BASIC_PROVIDER_ID, **fields}
    return await site.login.ExchangeToken(ExchangeTokenRequest(**wanted), Call(method="/"))


async def test_password_is_exchanged_for_a_session_of_a_day(site: Site) -> None:
    answer = await exchange(
        site, "username=admin&password=letmein", state=f"{BASIC_PROVIDER_ID}:/main/risk:x"
    )
    assert answer.client_state == "/main/risk:x"
    assert answer.user.user_info.username == "admin"
    _, body = claims(answer.token)
    assert body["aud"] == [BASIC_PROVIDER_ID]
    assert body["exp"] - body["iat"] == 24 * 3600
    call = await site.as_token(answer.token)
    assert (call.identity.uid, set(call.identity.grants.role_names())) == ("admin", {"Admin"})
    status = status_of(call.identity)
    assert status.expires.seconds == body["exp"]
    assert status.auth_provider.id == BASIC_PROVIDER_ID
    site.clock.moment += timedelta(hours=24)
    with pytest.raises(NoCredentials):
        await site.as_token(answer.token)


@pytest.mark.parametrize(
    ("external", "fields", "kind"),
    [
        ("username=admin&password=wrong", {}, NoCredentials),
        ("username=nobody&password=letmein", {}, NoCredentials),
        ("", {}, NoCredentials),
        ("username=admin", {}, NoCredentials),
        ("&".join(f"x{n}=1" for n in range(9)), {}, Invalid),
        ("username=admin&password=letmein", {"type": "oidc"}, Invalid),
        ("username=admin&password=letmein", {"state": ""}, Invalid),
        ("username=admin&password=letmein", {"state": "x:y"}, Invalid),
    ],
)
async def test_exchange_of_anything_else_is_refused(
    site: Site, external: str, fields: dict[str, str], kind: type[RoxError]
) -> None:
    with pytest.raises(kind):
        await exchange(site, external, **fields)


async def test_session_of_one_provider_is_no_api_token(site: Site) -> None:
    session = (await exchange(site, "username=admin&password=letmein")).token
    head, body, signature = session.split(".")
    forged = json.dumps({**claims(session)[1], "aud": ["https://stackrox.io/jwt-sources#api-tokens"]})
    swapped = base64.urlsafe_b64encode(forged.encode()).decode().rstrip("=")
    with pytest.raises(NoCredentials, match="token validation failed"):
        await site.as_token(f"{head}.{swapped}.{signature}")
    assert body


# --- which credentials count -----------------------------------------------------------


async def test_service_certificate_counts_before_a_header(site: Site) -> None:
    leaf = ROOT.issue(SENSOR).certificate
    identity = await site.authenticator.identify({"authorization": "Bearer bogus"}, leaf)
    assert identity.service is not None
    assert (identity.service.type, identity.service.id) == ("SENSOR_SERVICE", SENSOR.id)
    assert identity.grants.scope("Image", Access.READ_ACCESS) == NOTHING


async def test_certificate_of_a_revoked_bundle_is_refused(site: Site) -> None:
    leaf = ROOT.issue(Subject("SENSOR_SERVICE", SENSOR.id, "bundle-1")).certificate
    assert (await site.authenticator.identify({}, leaf)).service is not None
    site.revoked_bundles.add("bundle-1")
    with pytest.raises(NoCredentials, match='init bundle "bundle-1" is revoked'):
        await site.authenticator.identify({}, leaf)


async def test_certificate_of_another_ca_is_refused(site: Site) -> None:
    foreign = CertificateAuthority.create(clock=SystemClock()).issue(SENSOR).certificate
    with pytest.raises(NoCredentials, match="not issued by the service CA"):
        await site.authenticator.identify({}, foreign)


@pytest.mark.parametrize("header", ["", "te x", "basic YWRtaW46bGV0bWVpbg==", "Digest x", "Bearer"])
async def test_unknown_scheme_is_nobody(site: Site, header: str) -> None:
    if header == "Bearer":
        with pytest.raises(NoCredentials, match="token validation failed"):
            await site.authenticator.identify({"authorization": header}, None)
        return
    assert (await site.authenticator.identify({"authorization": header}, None)).anonymous
