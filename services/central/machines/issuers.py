"""Keys of foreign issuers, by OpenID Connect discovery, and tokens checked with them.

The exchange asks here. Answers of an issuer are hostile: bounded in size and time. It
must not know roles.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc import errors as jose_errors
from joserfc import jwt
from joserfc.jwk import KeySet

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Invalid, NoCredentials, RoxError
from services.central.machines.cluster import ClusterIssuer

_LOG = log.get(__name__)
MAX_TOKEN = 16 * 1024
MAX_ANSWER = 1024 * 1024
_SECONDS = 10.0
_KEYS_SECONDS = 600.0
# A key that nobody knows makes the keys be read again, but not more often than this.
_AGAIN_SECONDS = 30.0
# Signatures that OpenID Connect providers use; none of them needs a shared secret.
_ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA")


def issuer_of(token: str) -> str:
    """The issuer that a token names; nothing of it is verified yet. Raises `Invalid`."""
    parts = token.split(".")
    if len(token) > MAX_TOKEN or len(parts) != 3:
        raise Invalid("ID token could not be parsed: token is malformed")
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Invalid("ID token could not be parsed: token is malformed") from error
    issuer = payload.get("iss", "") if isinstance(payload, dict) else ""
    if not isinstance(issuer, str) or not issuer:
        raise Invalid("empty issuer found in ID token")
    return issuer


@dataclass(frozen=True, slots=True)
class _Keys:
    keys: KeySet
    read_at: float


class Issuers:
    """Checks tokens of issuers that an administrator trusts."""

    def __init__(
        self,
        *,
        client: Callable[[], httpx.AsyncClient],
        clock: Clock,
        cluster: ClusterIssuer | None = None,
    ) -> None:
        """`cluster` is the one that Central runs in, whose keys are had from its API server."""
        self._client = client
        self._clock = clock
        self._cluster = cluster
        self._known: dict[str, _Keys] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def verify(self, token: str, *, issuer: str, audience: str) -> Mapping[str, Any]:
        """The claims of a token of this issuer. Raises `NoCredentials`."""
        try:
            claims = await self._decoded(token, issuer)
        except (jose_errors.JoseError, ValueError, RecursionError) as error:
            raise NoCredentials(f"ID token is invalid: {error}") from error
        self._check(claims, issuer, audience)
        return claims

    async def _decoded(self, token: str, issuer: str) -> Mapping[str, Any]:
        keys = await self._keys(issuer, older_than=_KEYS_SECONDS)
        try:
            return jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
        except (jose_errors.JoseError, ValueError, RecursionError):
            # The issuer may have new keys.
            fresh = await self._keys(issuer, older_than=_AGAIN_SECONDS)
            if fresh is keys:
                raise
            return jwt.decode(token, fresh, algorithms=_ALGORITHMS).claims

    def _check(self, claims: Mapping[str, Any], issuer: str, audience: str) -> None:
        now = self._clock.now().timestamp()
        if claims.get("iss") != issuer:
            raise NoCredentials("ID token is invalid: it is of another issuer")
        expires, begins = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(expires, int | float) or expires <= now:
            raise NoCredentials("ID token is invalid: token is expired")
        if not isinstance(begins, int | float) or begins > now:
            raise NoCredentials("ID token is invalid: it is not valid yet")
        named = claims.get("aud", [])
        if audience and audience not in ([named] if isinstance(named, str) else named or []):
            raise NoCredentials("ID token is invalid: it is for another audience")

    async def _keys(self, issuer: str, *, older_than: float) -> KeySet:
        async with self._locks.setdefault(issuer, asyncio.Lock()):
            known = self._known.get(issuer)
            if known is None or self._clock.monotonic() - known.read_at >= older_than:
                known = _Keys(await self._fetch(issuer), self._clock.monotonic())
                self._known[issuer] = known
            return known.keys

    async def _fetch(self, issuer: str) -> KeySet:
        if self._cluster is not None and await self._is_clusters(issuer):
            return await self._cluster.keys()
        async with self._client() as client:
            place = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            found = await _read(client, place)
            if found.get("issuer") != issuer:
                raise NoCredentials(f"issuer {issuer} calls itself {found.get('issuer')!r}")
            address = found.get("jwks_uri")
            if not isinstance(address, str):
                raise NoCredentials(f"issuer {issuer} names no keys")
            return KeySet.import_key_set(await _read(client, address))  # type: ignore[arg-type]  # checked inside

    async def _is_clusters(self, issuer: str) -> bool:
        try:
            return self._cluster is not None and await self._cluster.issuer() == issuer
        except RoxError as error:
            # Tokens of other issuers can be checked all the same.
            _LOG.warning("issuer of the cluster's accounts is not known", error=error.message)
            return False


async def _read(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    """A JSON object from an issuer."""
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS), client.stream("GET", address) as answer:
            answer.raise_for_status()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MAX_ANSWER:
                    raise NoCredentials(f"{address}: the answer is larger than {MAX_ANSWER} bytes")
        found = json.loads(bytes(body))
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
        raise NoCredentials(f"{address}: {str(error) or type(error).__name__}") from error
    if not isinstance(found, dict):
        raise NoCredentials(f"{address}: the answer is no JSON object")
    return found
