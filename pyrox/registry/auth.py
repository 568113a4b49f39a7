"""Challenges of registries and what they ask for: nothing, basic credentials or a token.

`parse_challenge` is pure; `Tokens` keeps the bearer tokens of one registry until they
expire. Called by `pyrox.registry.client`, which does the HTTP. Credentials are sent
only to the registry itself and to the token service that it names over an equally
safe scheme.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson

from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.registry import address

# Nothing is given back, so that a hostile header costs its length and not the square of it.
_PARAMETER = re.compile(r'(?<![A-Za-z_-])([A-Za-z_-]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s,"]++))')
# The specification's value for a token that says nothing about its life.
_DEFAULT_LIFE_SECONDS = 60.0
_MAX_LIFE_SECONDS = 3600.0
# Asked anew a little early, so that a token does not expire on its way.
_EARLY_SECONDS = 10.0
_MAX_TOKEN = 64 * 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name and password; both empty means anonymous."""

    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def anonymous(self) -> bool:
        """Whether there is nothing to send."""
        return not self.username and not self.password


@dataclass(frozen=True, slots=True)
class Challenge:
    """One `WWW-Authenticate` header."""

    scheme: str
    """`bearer` or `basic`, in lower case."""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def realm(self) -> str:
        """Address of the token service, for `bearer`."""
        return self.parameters.get("realm", "")


def parse_challenge(header: str) -> Challenge | None:
    """Read one header; None when it is empty or of a scheme that we do not speak."""
    scheme, _, rest = header.strip().partition(" ")
    scheme = scheme.lower()
    if scheme not in {"bearer", "basic"}:
        return None
    pairs = _PARAMETER.findall(rest[:8192])
    return Challenge(
        scheme, {k.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare for k, quoted, bare in pairs}
    )


def choose_challenge(headers: Iterable[str]) -> Challenge | None:
    """The first challenge that we speak, of several headers."""
    return next((found for header in headers if (found := parse_challenge(header)) is not None), None)


def check_realm(realm: str, registry_scheme: str) -> None:
    """Raise `Invalid` when credentials would travel less safely than to the registry."""
    parts = address.split(realm)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid(f"the registry names the token service {realm[:200]!r}, which is not an HTTP address")
    if registry_scheme == "https" and parts.scheme != "https":
        raise Invalid(f"the registry names the token service {realm[:200]!r}; credentials go over https only")


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and the monotonic second at which it is no longer used."""

    value: str = field(repr=False)
    until: float


def parse_token(body: bytes, *, now: float) -> Token:
    """The token service's answer; `Invalid` when it holds no token."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as err:
        raise Invalid(f"the token service's answer is not JSON: {err}") from err
    token = (answer.get("token") or answer.get("access_token")) if isinstance(answer, dict) else None
    if (
        not isinstance(token, str)
        or not token.isascii()
        or not token.isprintable()
        or len(token) > _MAX_TOKEN
    ):
        raise Invalid("the token service's answer holds no token")
    life = answer.get("expires_in")
    seconds = float(life) if isinstance(life, int | float) and life > 0 else _DEFAULT_LIFE_SECONDS
    return Token(token, now + min(seconds, _MAX_LIFE_SECONDS) - _EARLY_SECONDS)


class Tokens:
    """The tokens of one registry and one pair of credentials, by scope."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_scope: dict[str, Token] = {}

    def get(self, scope: str) -> str:
        """The token for the scope, or empty when there is none that still lives."""
        token = self._by_scope.get(scope)
        return token.value if token is not None and token.until > self._clock.monotonic() else ""

    def put(self, scope: str, body: bytes) -> str:
        """Keep and return the token of a token service's answer."""
        token = parse_token(body, now=self._clock.monotonic())
        self._by_scope[scope] = token
        return token.value

    def forget(self, scope: str) -> None:
        """Drop a token that the registry refused."""
        self._by_scope.pop(scope, None)
