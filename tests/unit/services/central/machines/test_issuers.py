"""Tokens of foreign issuers; the issuer is an HTTP server without a socket."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from pyrox.errors import Invalid, NoCredentials, Unavailable
from services.central.machines import issuers as module
from services.central.machines.cluster import ClusterIssuer
from services.central.machines.issuers import Issuers, issuer_of
from tests.support.pki import FixedClock

ISSUER = "https://issuer.example"


class Provider:
    """Answers discovery and keys; a test may turn any answer."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "one"})
        self.requests: list[str] = []
        self.discovery: Any = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        self.respond: Callable[[httpx.Request], httpx.Response] | None = None

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.url.path)
        if self.respond is not None:
            return self.respond(request)
        if request.url.path == "/keys":
            return httpx.Response(200, json=KeySet([self.key]).as_dict(private=False))
        return httpx.Response(200, json=self.discovery)

    def token(self, **claims: Any) -> str:
        body = {"iss": ISSUER, "sub": "s", "aud": ["me"], "exp": 4_000_000_000}
        body.update(claims)
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, body, self.key)


def site() -> tuple[Provider, Issuers, FixedClock]:
    provider, clock = Provider(), FixedClock()
    return provider, Issuers(client=provider.client, clock=clock), clock


async def verify(issuers: Issuers, token: str, audience: str = "") -> Any:
    return await issuers.verify(token, issuer=ISSUER, audience=audience)


async def test_token_of_the_issuer_gives_its_claims_and_keys_are_kept() -> None:
    provider, issuers, _ = site()
    assert (await verify(issuers, provider.token()))["sub"] == "s"
    assert (await verify(issuers, provider.token(sub="t")))["sub"] == "t"
    assert provider.requests == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"exp": 1}, "token is expired"),
        ({"exp": "soon"}, "token is expired"),
        ({"nbf": 3_999_999_999}, "it is not valid yet"),
        ({"iss": "https://other"}, "it is of another issuer"),
    ],
)
async def test_token_that_does_not_hold_is_refused(claims: dict[str, Any], message: str) -> None:
    provider, issuers, _ = site()
    with pytest.raises(NoCredentials, match=message):
        await verify(issuers, provider.token(**claims))


async def test_audience_counts_when_one_is_configured() -> None:
    provider, issuers, _ = site()
    await verify(issuers, provider.token(), "me")
    await verify(issuers, provider.token(aud="me"), "me")
    for aud in (["you"], "you", None):
        with pytest.raises(NoCredentials, match="another audience"):
            await verify(issuers, provider.token(aud=aud), "me")


async def test_token_of_another_key_is_refused() -> None:
    provider, issuers, _ = site()
    stranger = Provider()
    with pytest.raises(NoCredentials, match="ID token is invalid"):
        await verify(issuers, stranger.token())
    del provider


async def test_token_without_a_signature_is_refused() -> None:
    _, issuers, _ = site()
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, {"iss": ISSUER, "exp": 4_000_000_000})]
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."
    with pytest.raises(NoCredentials, match="ID token is invalid"):
        await verify(issuers, token)


async def test_new_key_of_the_issuer_is_read_but_not_too_often() -> None:
    provider, issuers, clock = site()
    await verify(issuers, provider.token())
    provider.key = ECKey.generate_key("P-256", {"kid": "two"})
    with pytest.raises(NoCredentials):
        await verify(issuers, provider.token())
    assert len(provider.requests) == 2
    await clock.sleep(31)
    assert (await verify(issuers, provider.token()))["sub"] == "s"
    assert len(provider.requests) == 4


@pytest.mark.parametrize(
    ("discovery", "message"),
    [
        ({"issuer": "https://other", "jwks_uri": "x"}, "calls itself 'https://other'"),
        ({"issuer": ISSUER}, "names no keys"),
        ([1], "the answer is no JSON object"),
    ],
)
async def test_discovery_that_cannot_be_trusted_is_refused(discovery: Any, message: str) -> None:
    provider, issuers, _ = site()
    provider.discovery = discovery
    with pytest.raises(NoCredentials, match=message):
        await verify(issuers, provider.token())


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(500),
        httpx.Response(200, content=b"{"),
        httpx.Response(200, content=b"[" * 200_000),
        httpx.Response(302, headers={"location": "https://elsewhere"}),
    ],
)
async def test_broken_answers_are_refused(response: httpx.Response) -> None:
    provider, issuers, _ = site()
    provider.respond = lambda _: response
    with pytest.raises(NoCredentials, match="openid-configuration"):
        await verify(issuers, provider.token())


async def test_answer_above_the_limit_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER", 10)
    provider, issuers, _ = site()
    with pytest.raises(NoCredentials, match="larger than 10 bytes"):
        await verify(issuers, provider.token())


def test_issuer_is_read_from_the_payload() -> None:
    assert issuer_of(Provider().token()) == ISSUER


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("abc", "ID token could not be parsed"),
        ("a.!.c", "ID token could not be parsed"),
        ("a.e30.c", "empty issuer found in ID token"),
        ("a.W10.c", "empty issuer found in ID token"),
        ("x" * 20_000, "ID token could not be parsed"),
    ],
)
def test_text_that_is_no_token_is_refused(token: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        issuer_of(token)


class Cluster:
    """The cluster's own issuer, which is not reached by its address."""

    def __init__(self, name: str | None = ISSUER) -> None:
        self.name = name
        self.key = ECKey.generate_key("P-256", {"kid": "own"})

    async def get(self, path: str) -> dict[str, Any]:
        if self.name is None:
            raise Unavailable(path)
        return {"issuer": self.name, **KeySet([self.key]).as_dict(private=False)}

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("name", "own", "asked"), [(ISSUER, True, 0), ("https://other", False, 2), (None, False, 2)]
)
async def test_keys_of_the_own_cluster_come_from_its_api_server(
    name: str | None, own: bool, asked: int
) -> None:
    provider, cluster = Provider(), Cluster(name)
    issuers = Issuers(client=provider.client, clock=FixedClock(), cluster=ClusterIssuer(api=cluster))
    if own:
        provider.key = cluster.key
    assert (await verify(issuers, provider.token()))["sub"] == "s"
    assert len(provider.requests) == asked
