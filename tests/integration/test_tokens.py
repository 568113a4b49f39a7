"""API tokens, logins and which credentials count, over a real database."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.clock import SystemClock
from pyrox.errors import (
    Invalid,
    NoCredentials,
    NotAuthorized,
    NotFound,
    RoxError,
)
from pyrox.mtls.ca import CertificateAuthority
from pyrox.mtls.identity import Subject
from pyrox.pb.api.v1 import api_token_service_pb2 as token_pb
from pyrox.pb.api.v1.authprovider_service_pb2 import ExchangeTokenRequest
from pyrox.pb.api.v1.common_pb2 import ResourceByID
from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.pb.storage.api_token_pb2 import TokenMetadata
from pyrox.pg.pool import Pool
from pyrox.rpc.call import Call
from pyrox.rpc.scope import NOTHING, Access, Scope
from services.central.access.authenticator import BASIC_PROVIDER_ID
from services.central.login.service import status_of
from services.central.tokens.store import REMEMBERED_SECONDS, TokenStore
from tests.support.access import (
    NO_ID,
    READ,
    ROOT,
    WRITE,
    AccessSite,
    fresh,
)
from tests.support.fleet import RED, Fleet
from tests.support.pki import SENSOR

pytestmark = pytest.mark.needs("postgres")


@pytest.fixture
async def site(central_pool: Pool, tmp_path: Path) -> AccessSite:
    return await fresh(central_pool, tmp_path)


def claims(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and body, unverified."""
    parts = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]
    return parts[0], parts[1]


async def test_token_carries_the_reference_systems_claims(site: AccessSite) -> None:
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


async def test_token_identifies_its_holder(site: AccessSite) -> None:
    made = await site.token("Analyst")
    identity = (await site.as_token(made.token, "bEARER")).identity
    assert identity.uid == f"auth-token:{made.metadata.id}"
    assert (identity.name, set(identity.grants.role_names())) == ("ci", {"Analyst"})
    assert identity.expires == made.metadata.expiration.seconds


async def test_token_ends_with_its_time(site: AccessSite) -> None:
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
async def test_token_with_an_impossible_end_is_refused(site: AccessSite, seconds: int, error: str) -> None:
    if abs(seconds) < 10:
        seconds += int(site.clock.now().timestamp())
    with pytest.raises(Invalid, match=error):
        await site.token("Analyst", expiration=Timestamp(seconds=seconds))
    assert await site.tokens.newest_first() == []


async def test_token_lives_a_year_at_most(site: AccessSite) -> None:
    made = await site.token("Analyst", expiration=Timestamp(seconds=253402300799))
    lives = made.metadata.expiration.seconds - made.metadata.issued_at.seconds
    assert lives == 365 * 24 * 3600


async def test_revoked_token_is_refused_at_once_and_stays_listed(site: AccessSite) -> None:
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


async def test_revocation_on_another_replica_is_seen_within_seconds(
    site: AccessSite, central_pool: Pool
) -> None:
    made = await site.token("Analyst")
    await site.as_token(made.token)
    replica = TokenStore(pool=central_pool, clock=site.clock)
    await replica.put(TokenMetadata(id=made.metadata.id, revoked=True))
    site.clock.moment += timedelta(seconds=REMEMBERED_SECONDS)
    with pytest.raises(NoCredentials, match="token is revoked"):
        await site.as_token(made.token)


async def test_revocation_during_a_check_is_not_forgotten(site: AccessSite, central_pool: Pool) -> None:
    class Slow(TokenStore):
        """Reads at once and answers when told."""

        read, answer = asyncio.Event(), asyncio.Event()

        async def get(self, token_id: str) -> TokenMetadata | None:
            found = await super().get(token_id)
            self.read.set()
            await self.answer.wait()
            return found

    made = (await site.token("Analyst")).metadata
    store = Slow(pool=central_pool, clock=site.clock)
    checking = asyncio.create_task(store.token_revoked(made.id))
    await store.read.wait()
    made.revoked = True
    await store.put(made)
    store.answer.set()
    await checking
    assert await store.token_revoked(made.id)


async def test_signed_token_that_the_database_does_not_know_is_refused(
    site: AccessSite, central_pool: Pool
) -> None:
    made = await site.token("Admin")
    await central_pool.execute("DELETE FROM api_tokens")
    with pytest.raises(NoCredentials, match="token is revoked"):
        await site.as_token(made.token)


async def test_tokens_are_listed_the_newest_first(site: AccessSite) -> None:
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
    site: AccessSite, request_: dict[str, Any], error: str
) -> None:
    request, admin = token_pb.GenerateTokenRequest(**request_), await site.admin()
    with pytest.raises(Invalid) as caught:
        await site.api_tokens.GenerateToken(request, admin)
    assert error in caught.value.message


async def test_token_of_an_old_client_with_one_role_is_made(site: AccessSite) -> None:
    request = token_pb.GenerateTokenRequest(name="old", role="Analyst")
    made = await site.api_tokens.GenerateToken(request, await site.admin())
    assert list(made.metadata.roles) == ["Analyst"]


@pytest.mark.parametrize("wanted", [NO_ID, "", "a\0b"])
async def test_token_that_does_not_exist_is_not_found(site: AccessSite, wanted: str) -> None:
    for method in (site.api_tokens.GetAPIToken, site.api_tokens.RevokeToken):
        with pytest.raises(NotFound) as caught:
            await method(ResourceByID(id=wanted), await site.admin())
        assert caught.value.message == f"token with id '{wanted}' does not exist: not found"


async def test_token_gives_no_more_than_its_maker_has(site: AccessSite, central_pool: Pool) -> None:
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


async def test_token_of_the_role_none_opens_nothing(site: AccessSite) -> None:
    with pytest.raises(NoCredentials, match="no valid role"):
        await site.holder("None")


# --- logging in ------------------------------------------------------------------------


async def exchange(site: AccessSite, external: str, **fields: str) -> Any:
    wanted = {"external_token": external, "type": "basic", "state": BASIC_PROVIDER_ID, **fields}
    return await site.login.ExchangeToken(ExchangeTokenRequest(**wanted), Call(method="/"))


async def test_password_is_exchanged_for_a_session_of_a_day(site: AccessSite) -> None:
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
    site: AccessSite, external: str, fields: dict[str, str], kind: type[RoxError]
) -> None:
    with pytest.raises(kind):
        await exchange(site, external, **fields)


async def test_session_of_one_provider_is_no_api_token(site: AccessSite) -> None:
    session = (await exchange(site, "username=admin&password=letmein")).token
    head, body, signature = session.split(".")
    forged = json.dumps({**claims(session)[1], "aud": ["https://stackrox.io/jwt-sources#api-tokens"]})
    swapped = base64.urlsafe_b64encode(forged.encode()).decode().rstrip("=")
    with pytest.raises(NoCredentials, match="token validation failed"):
        await site.as_token(f"{head}.{swapped}.{signature}")
    assert body


# --- which credentials count -----------------------------------------------------------


async def test_service_certificate_counts_before_a_header(site: AccessSite) -> None:
    leaf = ROOT.issue(SENSOR).certificate
    identity = await site.authenticator.identify({"authorization": "Bearer bogus"}, leaf)
    assert identity.service is not None
    assert (identity.service.type, identity.service.id) == ("SENSOR_SERVICE", SENSOR.id)
    assert identity.grants.scope("Image", Access.READ_ACCESS) == NOTHING


async def test_certificate_of_a_revoked_bundle_is_refused(site: AccessSite) -> None:
    leaf = ROOT.issue(Subject("SENSOR_SERVICE", SENSOR.id, "bundle-1")).certificate
    assert (await site.authenticator.identify({}, leaf)).service is not None
    site.revoked_bundles.add("bundle-1")
    with pytest.raises(NoCredentials, match='init bundle "bundle-1" is revoked'):
        await site.authenticator.identify({}, leaf)


async def test_certificate_of_another_ca_is_refused(site: AccessSite) -> None:
    foreign = CertificateAuthority.create(clock=SystemClock()).issue(SENSOR).certificate
    with pytest.raises(NoCredentials, match="not issued by the service CA"):
        await site.authenticator.identify({}, foreign)


@pytest.mark.parametrize("header", ["", "te x", "basic YWRtaW46bGV0bWVpbg==", "Digest x", "Bearer"])
async def test_unknown_scheme_is_nobody(site: AccessSite, header: str) -> None:
    if header == "Bearer":
        with pytest.raises(NoCredentials, match="token validation failed"):
            await site.authenticator.identify({"authorization": header}, None)
        return
    assert (await site.authenticator.identify({"authorization": header}, None)).anonymous
