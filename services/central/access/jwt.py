"""Tokens that Central issues: RS256 JWTs for API tokens and for logged-in users.

`tokens` and `login` issue them, the authenticator verifies them. Claims and constants
are upstream's (`central/jwt`, `pkg/auth/tokens`). It must not know roles' contents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import errors as jose_errors
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import extract_compact

from pyrox.clock import Clock
from pyrox.errors import NoCredentials

KEY_ID = "jwtk0"
ISSUER = "https://stackrox.io/jwt"
API_TOKEN_SOURCE = "https://stackrox.io/jwt-sources#api-tokens"  # noqa: S105 - an audience, no secret
API_TOKEN_LIFE = timedelta(days=365)
# A token is a header of at most 8 KiB in every client we know; longer ones are not parsed.
_MAX_TOKEN = 16 * 1024
VALIDATION_FAILED = "token-based: cannot extract identity: token validation failed"

# What a text that is no token of ours makes the parser raise; deep nesting included.
_BROKEN = (jose_errors.JoseError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says, after its signature and times were checked."""

    source: str
    """The audience: `API_TOKEN_SOURCE` or an auth provider's id."""
    id: str
    issued: datetime
    expires: datetime
    name: str = ""
    roles: tuple[str, ...] = ()
    user_id: str = ""
    full_name: str = ""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def generate_key() -> bytes:
    """A fresh 4096-bit RSA key in DER, as `jwt-key.der` of the secret `central-tls` holds."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=4096)
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def load_key(directory: Path) -> RSAKey:
    """The signing key from `jwt-key.der` or `jwt-key.pem`; raises `FileNotFoundError`."""
    der = directory / "jwt-key.der"
    if der.exists():
        return RSAKey.import_key(der.read_bytes())
    return RSAKey.import_key((directory / "jwt-key.pem").read_bytes())


def key_pem(directory: Path) -> bytes:
    """The signing key as PEM in the traditional form, as the secret `central-tls` holds it."""
    der, pem = directory / "jwt-key.der", directory / "jwt-key.pem"
    key = (
        serialization.load_der_private_key(der.read_bytes(), password=None)
        if der.exists()
        else serialization.load_pem_private_key(pem.read_bytes(), password=None)
    )
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


class TokenIssuer:
    """Signs and verifies tokens with one RSA key."""

    def __init__(self, *, key: RSAKey, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def sign(self, claims: Claims) -> str:
        """The compact form of the token."""
        body: dict[str, object] = {
            "iss": ISSUER,
            "aud": [claims.source],
            "iat": int(claims.issued.timestamp()),
            "exp": int(claims.expires.timestamp()),
            "jti": claims.id,
        }
        if claims.source == API_TOKEN_SOURCE:
            body |= {"name": claims.name, "roles": list(claims.roles)}
        else:
            body["external_user"] = {
                "user_id": claims.user_id,
                "full_name": claims.full_name,
                "Attributes": {key: list(values) for key, values in claims.attributes.items()},
            }
        return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": KEY_ID}, body, self._key)

    @staticmethod
    def is_ours(token: str) -> bool:
        """Whether the token says that Central's key signed it; nothing is verified.

        A text that is no token at all counts as ours: the refusal is then `verify`'s.
        """
        if len(token) > _MAX_TOKEN:
            return True
        try:
            return bool(extract_compact(token.encode()).headers().get("kid", KEY_ID) == KEY_ID)
        except _BROKEN:
            return True

    def verify(self, token: str) -> Claims:
        """The claims of a valid token; raises `NoCredentials` with upstream's words."""
        if len(token) > _MAX_TOKEN:
            raise NoCredentials.of(VALIDATION_FAILED)
        try:
            decoded = jwt.decode(token, self._key, algorithms=["RS256"])
            return self._read(decoded.claims)
        except (*_BROKEN, KeyError, TypeError, AttributeError) as err:
            raise NoCredentials.of(VALIDATION_FAILED) from err

    def _read(self, body: Mapping[str, object]) -> Claims:
        expires = _moment(body["exp"], self._clock)
        audience = body["aud"]
        sources = [audience] if isinstance(audience, str) else audience
        if body["iss"] != ISSUER or not isinstance(sources, Sequence) or len(sources) != 1:
            raise ValueError("foreign issuer or audience")
        if expires <= self._clock.now():
            raise ValueError("expired")
        user = body.get("external_user") or {}
        assert isinstance(user, Mapping)  # noqa: S101 - our signature covers it
        roles = body.get("roles") or ([body["role"]] if body.get("role") else [])
        assert isinstance(roles, Sequence)  # noqa: S101
        return Claims(
            source=str(sources[0]),
            id=str(body["jti"]),
            issued=_moment(body["iat"], self._clock),
            expires=expires,
            name=str(body.get("name", "")),
            roles=tuple(str(role) for role in roles),
            user_id=str(user.get("user_id", "")),
            full_name=str(user.get("full_name", "")),
            attributes={k: tuple(v) for k, v in (user.get("Attributes") or {}).items()},
        )


def _moment(seconds: object, clock: Clock) -> datetime:
    return datetime.fromtimestamp(float(str(seconds)), tz=clock.now().tzinfo)
