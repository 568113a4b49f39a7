"""`/sso/*`: the redirects of the basic provider, and sessions that have no refresh token."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from joserfc.jwk import RSAKey

from pyrox.errors import NoCredentials
from pyrox.rpc.call import ANONYMOUS, Identity
from pyrox.rpc.scope import EVERYTHING, Access
from services.central.access.authenticator import BASIC_PROVIDER_ID
from services.central.access.grants import ResolvedRole, RoleGrants
from services.central.access.jwt import TokenIssuer
from services.central.routes.guard import Guard
from services.central.routes.sso import sso_router
from tests.support.asgi import Answer, Headers, request
from tests.support.pki import FixedClock
from tests.support.routes import app_of

ADMIN = Identity(
    uid="admin",
    name="admin",
    grants=RoleGrants([ResolvedRole("Admin", {"Image": Access.READ_ACCESS}, EVERYTHING)]),
    auth_provider=BASIC_PROVIDER_ID,
)
GOOD = {"authorization": "Basic good"}
LOGIN = f"/sso/login/{BASIC_PROVIDER_ID}"
CHALLENGE = f"/sso/providers/basic/{BASIC_PROVIDER_ID}/challenge"
_MARK = "2ed17ca6-4b3c-4279-8317-f26f8ba01c52%23"


class Users:
    """Knows one password and one session."""

    async def identify(self, metadata: Mapping[str, str], certificate: x509.Certificate | None) -> Identity:
        match metadata.get("authorization", ""):
            case "":
                return ANONYMOUS
            case "Basic good" | "Bearer session":
                return ADMIN
        raise NoCredentials.of("basic: cannot extract identity")


class Portal:
    """The routes, the clock they go by, and the issuer whose tokens they give out."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        key = RSAKey.import_key(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        self.issuer = TokenIssuer(key=key, clock=self.clock)
        self.app: FastAPI = app_of(sso_router(self.issuer, self.clock, Guard(authenticator=Users())))

    async def get(self, target: str, headers: Headers = (), method: str = "GET") -> Answer:
        return await request(self.app, method, target, headers=headers)


@pytest.fixture(scope="module")
def shared_portal() -> Portal:
    return Portal()


@pytest.fixture
def portal(shared_portal: Portal) -> Portal:
    shared_portal.clock.moment = FixedClock().moment
    return shared_portal


def fragment(answer: Answer) -> dict[str, str]:
    """What the portal is told; the only place it is sent to."""
    assert answer.status == 303
    parts = urlsplit(answer.headers["location"])
    assert (parts.scheme, parts.netloc, parts.path) == ("", "", "/auth/response/generic")
    return {key: values[0] for key, values in parse_qs(parts.fragment, keep_blank_values=True).items()}


async def test_login_leads_to_the_challenge_with_the_clients_state(portal: Portal) -> None:
    answer = await portal.get(f"{LOGIN}?clientState=/main/a%20b")
    assert answer.status == 303
    parts = urlsplit(answer.headers["location"])
    assert parts.path == CHALLENGE
    fields = parse_qs(parts.query)
    assert fields["client_state"] == ["/main/a b"]
    assert fields["micro_ts"][0].isdigit()


@pytest.mark.parametrize("test", ["1", "t", "T", "TRUE", "true", "True"])
async def test_login_in_test_mode_marks_the_state(portal: Portal, test: str) -> None:
    answer = await portal.get(f"{LOGIN}?test={test}")
    assert "client_state=e003ba41-9cc1-48ee-b6a9-2dd7c21da92e%23&" in answer.headers["location"]
    assert "e003ba41" not in (await portal.get(f"{LOGIN}?test=yes")).headers["location"]


@pytest.mark.parametrize(
    ("target", "status", "text"),
    [
        ("/sso/login/nosuch", 404, 'Unknown auth provider ID "nosuch"\n'),
        ('/sso/login/a"b', 404, 'Unknown auth provider ID "a\\"b"\n'),
        (
            f"{LOGIN}?authorizeCallback=http://example.com/",
            400,
            "Attaching state: roxctl authorization is only allowed for localhost as callback target\n",
        ),
        (
            f"{LOGIN}?test=true&authorizeCallback=http://localhost/",
            400,
            "Attaching state: cannot use test mode and roxctl authorize in conjunction\n",
        ),
        ("/sso/providers/oidc/callback", 404, "Not Found\n"),
        ("/sso/providers/basic", 404, "Not Found\n"),
        ("/sso/providers/basic/", 403, "Forbidden\n"),
        (f"/sso/providers/basic/{BASIC_PROVIDER_ID}", 404, "Not Found\n"),
        (f"/sso/providers/basic/{BASIC_PROVIDER_ID}/other", 404, "Not Found\n"),
        (CHALLENGE, 500, "Unparseable microtimestamp\n"),
        (f"{CHALLENGE}?micro_ts=1_0", 500, "Unparseable microtimestamp\n"),
        ("/sso/nothing", 404, "404 page not found\n"),
        ("/sso/session/nothing", 404, "404 page not found\n"),
    ],
)
async def test_wrong_address_is_refused_in_plain_text(
    portal: Portal, target: str, status: int, text: str
) -> None:
    answer = await portal.get(target)
    assert (answer.status, answer.body.decode()) == (status, text)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_unknown_provider_is_an_error_for_the_portal(portal: Portal) -> None:
    told = fragment(await portal.get("/sso/providers/basic/nosuch/challenge"))
    # The fragment is escaped twice, as Go does it.
    assert told == {
        "error": "invalid auth provider ID %22nosuch%22",
        "state": "",
        "test": "false",
        "type": "basic",
    }


async def test_challenge_takes_only_get(portal: Portal) -> None:
    answer = await portal.get(CHALLENGE, GOOD, "POST")
    assert (answer.status, answer.body) == (400, b"Bad Request\n")


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic bad"}, {"authorization": "Bearer session"}])
async def test_challenge_without_a_password_asks_for_it(portal: Portal, headers: Mapping[str, str]) -> None:
    location = (await portal.get(f"{LOGIN}?clientState=s")).headers["location"]
    answer = await portal.get(location, headers)
    assert (answer.status, answer.body) == (401, b"")
    assert answer.headers["www-authenticate"] == 'Basic realm="StackRox" charset="UTF-8"'


async def test_challenge_with_a_bad_password_fails_after_the_time_limit(portal: Portal) -> None:
    location = (await portal.get(f"{LOGIN}?clientState=s")).headers["location"]
    await portal.clock.sleep(4.9)
    assert (await portal.get(location, {"authorization": "Basic bad"})).status == 401
    await portal.clock.sleep(0.2)
    told = fragment(await portal.get(location, {"authorization": "Basic bad"}))
    assert told == {
        "error": "invalid username or password",
        "state": "s",
        "test": "false",
        "type": "basic",
    }


async def test_challenge_with_the_password_gives_the_portal_a_token(portal: Portal) -> None:
    told = fragment(await portal.get(f"{CHALLENGE}?client_state=/main", GOOD))
    assert (told["state"], told["type"]) == ("%2Fmain", "basic")
    claims = portal.issuer.verify(told["token"])
    assert (claims.source, claims.user_id, claims.full_name) == (BASIC_PROVIDER_ID, "admin", "admin")
    assert (claims.expires - claims.issued).total_seconds() == 24 * 3600


async def test_challenge_in_test_mode_shows_the_user_and_gives_no_token(portal: Portal) -> None:
    state = "e003ba41-9cc1-48ee-b6a9-2dd7c21da92e%23s"
    told = fragment(await portal.get(f"{CHALLENGE}?client_state={state}", GOOD))
    assert (told["test"], told["type"], told["state"]) == ("true", "basic", "s")
    assert "token" not in told
    user = json.loads(base64.urlsafe_b64decode(told["user"] + "=="))
    assert user["userId"] == "admin"
    assert user["userInfo"]["roles"][0]["name"] == "Admin"
    assert user["expires"] == "2026-11-25T09:00:00Z"


async def test_challenge_for_a_command_line_sends_the_token_to_its_callback(portal: Portal) -> None:
    location = (await portal.get(f"{LOGIN}?authorizeCallback=http://localhost:4711/cb")).headers["location"]
    answer = await portal.get(location, GOOD)
    assert answer.status == 303
    parts = urlsplit(answer.headers["location"])
    assert (parts.netloc, parts.path) == ("localhost:4711", "/cb")
    fields = parse_qs(parts.query)
    assert portal.issuer.verify(fields["token"][0]).user_id == "admin"
    assert fields["expiresAt"] == ["2026-11-25T09:00:00Z"]


@pytest.mark.parametrize(
    ("callback", "why"),
    [
        (
            "http://example.com/",
            "roxctl authorization has to specify localhost %2F 127.0.0.1 as callback URL",
        ),
        ("ftp://localhost/", "roxctl authorization callback URL must use http or https"),
    ],
)
async def test_challenge_never_sends_a_token_elsewhere(portal: Portal, callback: str, why: str) -> None:
    told = fragment(await portal.get(f"{CHALLENGE}?client_state={_MARK}{callback}", GOOD))
    assert told["error"] == why
    assert "token" not in told


def cookie(**fields: str) -> dict[str, str]:
    return {"cookie": "RoxRefreshToken=" + "&".join(f"{key}={value}" for key, value in fields.items())}


REFUSED = [
    (cookie(foo="1", providerType="basic", providerId="x", refreshToken="r"), 'schema: invalid path "foo"'),
    (cookie(providerType="basic", providerId="x"), "refreshToken is empty"),
    (cookie(providerType="basic"), "providerId is empty (and 1 other error)"),
    ({"cookie": "RoxRefreshToken="}, "providerType is empty (and 2 other errors)"),
]
UNKNOWN = cookie(providerType="basic", providerId="x", refreshToken="r")
OTHER = cookie(providerType="oidc", providerId=BASIC_PROVIDER_ID, refreshToken="r")
BASIC = cookie(providerType="basic", providerId=BASIC_PROVIDER_ID, refreshToken="r", refreshTokenType="t")
_NO_REFRESH = "provider Login with username/password of type basic does not support refresh tokens"
_UNEXPECTED = f'provider with ID "{BASIC_PROVIDER_ID}" has unexpected type "basic" (expected: "oidc")'


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "could not obtain refresh token cookie: http: named cookie not present"),
        *((headers, f"unparseable data in refresh token cookie: {why}") for headers, why in REFUSED),
        (
            UNKNOWN,
            'refresh token cookie references invalid auth provider "x": provider with ID "x" not found',
        ),
        (
            OTHER,
            f'refresh token cookie references invalid auth provider "{BASIC_PROVIDER_ID}": {_UNEXPECTED}',
        ),
        (BASIC, 'auth provider backend of type "basic" does not support refresh tokens'),
    ],
)
async def test_refresh_is_refused_in_json(portal: Portal, headers: Mapping[str, str], message: str) -> None:
    answer = await portal.get("/sso/session/tokenrefresh", headers)
    assert (answer.status, answer.json) == (400, {"code": 2, "message": message})
    assert answer.headers["content-type"] == "application/json"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "you are not currently logged in"),
        *(
            (headers, f"failed to decode or parse cookie: decoding cookie value: {why}")
            for headers, why in REFUSED
        ),
        (
            UNKNOWN,
            'Failed to resolve provider backend for revoking refresh token: provider with ID "x" not found',
        ),
        (OTHER, f"Failed to resolve provider backend for revoking refresh token: {_UNEXPECTED}"),
        (
            BASIC,
            f"Failed to revoke refresh token: {_NO_REFRESH}",
        ),
    ],
)
async def test_logout_clears_the_cookie_whatever_else_happens(
    portal: Portal, headers: Mapping[str, str], message: str
) -> None:
    answer = await portal.get("/sso/session/logout", headers, "POST")
    assert (answer.status, answer.json) == (400, {"code": 2, "message": message})
    assert answer.headers["content-type"] == "application/json"
    assert (
        answer.headers["set-cookie"]
        == "RoxRefreshToken=; Path=/sso/session/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"
    )


async def test_logout_takes_only_post(portal: Portal) -> None:
    answer = await portal.get("/sso/session/logout")
    assert (answer.status, answer.json) == (405, {"code": 2, "message": "only POST requests are allowed"})
    assert "set-cookie" not in answer.headers
