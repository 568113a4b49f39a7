"""`/sso/*`: logging in by redirects, and the session's refresh and end.

Browsers, the portal and `roxctl central login` come here. Only the basic provider
exists so far: the browser's own password dialog. Paths, statuses and texts are
upstream's (`pkg/auth/authproviders/registry_httphandler.go` and `basic`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote, quote_plus, unquote_plus, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from google.protobuf import json_format

from pyrox import log
from pyrox.clock import Clock
from pyrox.policy.quoting import quote as go_quote
from pyrox.rpc.call import Identity
from services.central.access.authenticator import BASIC_PROVIDER_ID
from services.central.access.jwt import TokenIssuer
from services.central.login.service import basic_claims, basic_provider, status_of
from services.central.login.state import Mode, attached, callback_of, mode_of
from services.central.routes.answers import EVERY_METHOD, json_error, text_error
from services.central.routes.guard import Guard

_LOG = log.get(__name__)
COOKIE = "RoxRefreshToken"
_SESSION_PATH = "/sso/session/"
_REDIRECT = "/auth/response/generic"
_BASIC = "basic"
_CHALLENGE = 'Basic realm="StackRox" charset="UTF-8"'
# Upstream backend_impl.go: a request without a good password that comes later than this
# after the redirect is the browser's second try, and is answered as a failure.
_LOGIN_SECONDS = 5.0
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_REQUIRED = ("providerType", "providerId", "refreshToken")
_KNOWN = frozenset({*_REQUIRED, "refreshTokenType"})
# What Go leaves as it is in the fragment of a URL (net/url, shouldEscape).
_FRAGMENT_SAFE = "!()*$&+,/:;=?@"
_JSON = "application/json"
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


def sso_router(issuer: TokenIssuer, clock: Clock, guard: Guard) -> APIRouter:
    """The routes under `/sso`; all are for anybody."""
    router = APIRouter(prefix="/sso")
    methods = list(EVERY_METHOD)
    challenge = _Challenge(issuer=issuer, clock=clock, guard=guard)

    @router.api_route("/login/{provider_id:path}", methods=methods)
    async def login(provider_id: str, request: Request) -> Response:
        return challenge.login(provider_id, request.query_params)

    @router.api_route("/providers/{rest:path}", methods=methods)
    async def provider(rest: str, request: Request) -> Response:
        return await challenge.answer(rest, request)

    @router.api_route("/session/tokenrefresh", methods=methods)
    async def refresh(request: Request) -> Response:
        return _refresh(request.cookies.get(COOKIE))

    @router.api_route("/session/logout", methods=methods)
    async def logout(request: Request) -> Response:
        return _logout(request)

    @router.api_route("/{rest:path}", methods=methods)
    async def unknown(rest: str) -> Response:
        del rest
        return text_error(404, "404 page not found")

    return router


class _Challenge:
    """The basic provider: a redirect to the dialog, and from the dialog to the portal."""

    def __init__(self, *, issuer: TokenIssuer, clock: Clock, guard: Guard) -> None:
        self._issuer = issuer
        self._clock = clock
        self._guard = guard
        self._started = clock.monotonic()

    def login(self, provider_id: str, query: Mapping[str, str]) -> Response:
        """Send the browser to the dialog."""
        test = query.get("test", "") in _TRUE
        try:
            state = attached(
                query.get("clientState", ""), test=test, callback=query.get("authorizeCallback", "")
            )
        except ValueError as error:
            return text_error(400, f"Attaching state: {error}")
        if provider_id != BASIC_PROVIDER_ID:
            return text_error(404, f"Unknown auth provider ID {go_quote(provider_id)}")
        fields = {"client_state": state, "micro_ts": str(int(self._seconds() * 1_000_000))}
        return _see(f"/sso/providers/{_BASIC}/{BASIC_PROVIDER_ID}/challenge?{urlencode(fields)}")

    async def answer(self, rest: str, request: Request) -> Response:
        """Ask for the password, or take it."""
        mode, state = mode_of(request.query_params.get("client_state", ""))
        if (refused := _refused(rest, request.method, mode)) is not None:
            return refused
        identity = await self._guard.identity(request)
        if identity.auth_provider == BASIC_PROVIDER_ID and _is_basic(request):
            return self._entered(identity, state, mode)
        return self._ask(request.query_params.get("micro_ts", ""), state, mode)

    def _ask(self, micro_ts: str, state: str, mode: Mode) -> Response:
        if _NUMBER.fullmatch(micro_ts) is None:
            return text_error(500, "Unparseable microtimestamp")
        if self._seconds() - int(micro_ts) / 1_000_000 > _LOGIN_SECONDS:
            return _failed("invalid username or password", state, mode)
        return Response(status_code=401, headers={"WWW-Authenticate": _CHALLENGE})

    def _entered(self, identity: Identity, state: str, mode: Mode) -> Response:
        claims = basic_claims(identity.name, self._clock.now())
        if mode is Mode.TEST:
            status = status_of(replace(identity, expires=claims.expires.timestamp()))
            text = json_format.MessageToJson(status, indent=None).encode()
            user = base64.urlsafe_b64encode(text).rstrip(b"=").decode()
            return _portal({"test": "true", "user": user, "type": _BASIC, "state": state})
        if mode is Mode.LOGIN:
            _LOG.info("user logged in", user=identity.uid, provider=BASIC_PROVIDER_ID)
            return _portal({"token": self._issuer.sign(claims), "type": _BASIC, "state": state})
        try:
            callback = callback_of(state)
        except ValueError as error:
            return _failed(str(error), state, Mode.LOGIN)
        _LOG.info("command line logged in", user=identity.uid, provider=BASIC_PROVIDER_ID)
        token, expires = self._issuer.sign(claims), _rfc3339(claims.expires)
        return _see(callback.with_query({"token": token, "expiresAt": expires}))

    def _seconds(self) -> float:
        return self._clock.monotonic() - self._started


def _refused(rest: str, method: str, mode: Mode) -> Response | None:
    """The answer for a path below `providers/` that is no challenge; None when it is one."""
    kind, slash, below = rest.partition("/")
    provider_id, _, last = below.partition("/")
    if kind != _BASIC or not slash:
        return text_error(404, "Not Found")
    if not below:
        return text_error(403, "Forbidden")
    if provider_id != BASIC_PROVIDER_ID:
        return _failed(f"invalid auth provider ID {go_quote(provider_id)}", "", mode)
    if last != "challenge":
        return text_error(404, "Not Found")
    return text_error(400, "Bad Request") if method != "GET" else None


def _is_basic(request: Request) -> bool:
    return request.headers.get("authorization", "").startswith("Basic ")


def _see(location: str) -> Response:
    return Response(status_code=303, headers={"Location": location})


def _portal(fields: Mapping[str, str]) -> Response:
    """To the portal, with the outcome in the fragment, which Go escapes once more."""
    encoded = "&".join(f"{key}={quote_plus(value)}" for key, value in sorted(fields.items()))
    return _see(f"{_REDIRECT}#{quote(encoded, safe=_FRAGMENT_SAFE)}")


def _failed(why: str, state: str, mode: Mode) -> Response:
    test = "true" if mode is Mode.TEST else "false"
    return _portal({"test": test, "error": why, "type": _BASIC, "state": state})


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _refresh(cookie: str | None) -> Response:
    """A new token for a refresh token, which no provider of ours gives out yet."""
    if cookie is None:
        return _rest_error(400, "could not obtain refresh token cookie: http: named cookie not present")
    try:
        data = _cookie_data(cookie)
    except ValueError as error:
        return _rest_error(400, f"unparseable data in refresh token cookie: {error}")
    if problem := _provider_problem(data):
        provider_id = go_quote(data["providerId"])
        return _rest_error(
            400, f"refresh token cookie references invalid auth provider {provider_id}: {problem}"
        )
    return _rest_error(
        400, f"auth provider backend of type {go_quote(_BASIC)} does not support refresh tokens"
    )


def _logout(request: Request) -> Response:
    """Clear the cookie, whatever else happens, and revoke its refresh token."""
    if request.method != "POST":
        return _rest_error(405, "only POST requests are allowed")
    answer = _revoked(request.cookies.get(COOKIE))
    # As Go writes it: a negative age means now.
    answer.headers["Set-Cookie"] = (
        f"{COOKIE}=; Path={_SESSION_PATH}; Max-Age=0; HttpOnly; Secure; SameSite=Strict"
    )
    return answer


def _revoked(cookie: str | None) -> Response:
    if cookie is None:
        return _rest_error(400, "you are not currently logged in")
    try:
        data = _cookie_data(cookie)
    except ValueError as error:
        return _rest_error(400, f"failed to decode or parse cookie: decoding cookie value: {error}")
    if problem := _provider_problem(data):
        return _rest_error(400, f"Failed to resolve provider backend for revoking refresh token: {problem}")
    name = basic_provider().name
    return _rest_error(
        400,
        f"Failed to revoke refresh token: provider {name} of type {_BASIC} does not support refresh tokens",
    )


def _cookie_data(text: str) -> dict[str, str]:
    """The fields of the cookie. Raises `ValueError` in the words of upstream's form decoder."""
    fields = {
        unquote_plus(key): unquote_plus(value)
        for key, _, value in (part.partition("=") for part in text.split("&") if part)
    }
    problems = [f'schema: invalid path "{key}"' for key in fields if key not in _KNOWN]
    problems += [f"{key} is empty" for key in _REQUIRED if not fields.get(key)]
    if problems:
        more = len(problems) - 1
        others = f" (and {more} other error{'s' if more > 1 else ''})" if more else ""
        raise ValueError(f"{problems[0]}{others}")
    return fields


def _provider_problem(data: Mapping[str, str]) -> str:
    provider_id, kind = data["providerId"], data["providerType"]
    if provider_id != BASIC_PROVIDER_ID:
        return f"provider with ID {go_quote(provider_id)} not found"
    if kind != _BASIC:
        return (
            f"provider with ID {go_quote(provider_id)} has unexpected type {go_quote(_BASIC)} "
            f"(expected: {go_quote(kind)})"
        )
    return ""


def _rest_error(status: int, message: str) -> Response:
    return json_error(status, message, media_type=_JSON)
