"""HTTP to registries: TLS choices, time-outs, redirects, and errors in the registry's words.

With `proxied.py` the only module that touches httpx. Called by `pyrox.registry.client`. It must not know
manifests or credentials.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from pyrox.errors import Exhausted, Invalid, NotFound, RoxError, Unavailable
from pyrox.registry import address
from pyrox.registry.proxied import ProxiedTransport, ProxyChoice, direct

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_ERROR_BODY = 16 * 1024
_MAX_WORDS = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one registry may cost."""

    connect_seconds: float = 10.0
    # Upstream's indexer.get_layer_timeout; here it bounds the silence between two reads.
    read_seconds: float = 60.0
    document_seconds: float = 60.0
    blob_seconds: float = 1800.0
    # A blob that after `document_seconds` came slower than this is given up: a registry that
    # drips would hold what fetches layers for half an hour.
    blob_rate: float = 16 * 1024
    # The size that registries themselves enforce for manifests (distribution's 4 MiB).
    manifest_bytes: int = 4 * 1024 * 1024
    config_bytes: int = 8 * 1024 * 1024
    blob_bytes: int = 16 * 1024**3


@dataclass(frozen=True, slots=True)
class Tls:
    """How the registry's certificate is checked."""

    verify: bool = True
    ca_pem: str = ""
    """Further authorities, beside the system's."""


def tls_context(tls: Tls) -> ssl.SSLContext:
    """The context for these choices; `Invalid` when the authorities cannot be read."""
    context = ssl.create_default_context()
    # Python 3.13 refuses what every other client takes: a private CA's certificates without key identifiers.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.ca_pem:
        try:
            context.load_verify_locations(cadata=tls.ca_pem)
        except ssl.SSLError as err:
            raise Invalid(f"the certificate authorities for the registry cannot be read: {err}") from err
    return context


def words_of(response: httpx.Response, body: bytes) -> str:
    """The registry's own explanation: its error codes and messages, else its text."""
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    words = ""
    if isinstance(document, dict):
        errors = document.get("errors")
        if isinstance(errors, list):
            words = "; ".join(_one_error(error) for error in errors[:5] if isinstance(error, dict))
        words = words or str(
            document.get("details") or document.get("message") or document.get("error") or ""
        )
    elif "html" not in response.headers.get("content-type", ""):
        words = body.decode("utf-8", "replace")
    return _one_line(words)[:_MAX_WORDS]


def _one_line(words: str) -> str:
    """Without line ends and what else would drive a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def _one_error(error: Mapping[str, Any]) -> str:
    code, message = str(error.get("code", "")), str(error.get("message", ""))
    return f"{code}: {message}" if code and message else code or message


def refusal(host: str, what: str, response: httpx.Response, body: bytes) -> RoxError:
    """The error for a status that is not a success."""
    status = response.status_code
    words = words_of(response, body)
    reason = _one_line(response.reason_phrase)[:_MAX_WORDS]
    text = f"registry {host}: {what}: {status} {reason}".rstrip()
    text = f"{text}: {words}" if words else text
    if status in {401, 403}:
        return Invalid(f"{text} (check the user name, the password and the right to pull)")
    if status == 404:
        return NotFound(text)
    if status == 429:
        return Exhausted(f"{text} (the registry limits the rate of pulls)")
    return Unavailable(text) if status >= 500 else Invalid(text)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = address.split(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def next_address(url: str, location: str) -> str:
    """Where a redirect leads; `Invalid` when it leaves HTTP or drops from https to http."""
    home, target = address.split(url), address.join(url, location)
    scheme = address.split(target).scheme
    if scheme not in {"http", "https"} or (home.scheme == "https" and scheme != "https"):
        raise Invalid(f"registry {home.netloc} redirects to {target[:200]!r}, which is not safe to follow")
    return target


class Transport:
    """An HTTP client with our limits; one for each registry."""

    def __init__(self, *, tls: Tls, limits: Limits, user_agent: str, proxies: ProxyChoice = direct) -> None:
        self.limits = limits
        self._proxies = proxies
        self._tls = tls
        self._user_agent = user_agent
        self._client: httpx.AsyncClient | None = None

    def _connected(self) -> httpx.AsyncClient:
        """The client, made for the first request: reading the system's CAs takes some 20 ms."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=ProxiedTransport(tls_context(self._tls), self._proxies),
                headers={"user-agent": self._user_agent},
                timeout=httpx.Timeout(self.limits.read_seconds, connect=self.limits.connect_seconds),
                follow_redirects=False,
                # No proxy and no .netrc from the environment: what we send is what we were given.
                trust_env=False,
            )
        return self._client

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    @asynccontextmanager
    async def open(
        self, url: str, *, what: str, headers: Mapping[str, str], seconds: float, auth: str = ""
    ) -> AsyncIterator[httpx.Response]:
        """GET an address and yield the answer's head, redirects followed.

        `auth` goes to the first origin only. Raises `Unavailable` when the peer cannot be
        reached, is silent too long, or has not ended within `seconds`; `Invalid` when the
        address cannot be read.
        """
        host = address.split(url).netloc
        try:
            async with asyncio.timeout(seconds), self._follow(url, headers, auth) as response:
                yield response
        except TimeoutError as err:
            raise Unavailable(f"registry {host}: {what}: not finished after {seconds:g} s") from err
        except httpx.TimeoutException as err:
            raise Unavailable(f"registry {host}: {what}: no answer in time ({type(err).__name__})") from err
        except (httpx.TransportError, ssl.SSLError) as err:
            raise Unavailable(f"registry {host}: {what}: {str(err) or type(err).__name__}") from err
        except (httpx.InvalidURL, httpx.DecodingError) as err:
            raise Invalid(f"registry {host}: {what}: {err}") from err

    @asynccontextmanager
    async def _follow(self, url: str, headers: Mapping[str, str], auth: str) -> AsyncIterator[httpx.Response]:
        home, host = _origin(url), address.split(url).netloc
        for _ in range(_MAX_REDIRECTS + 1):
            secret = {"authorization": auth} if auth and _origin(url) == home else {}
            # Registries' blobs are stored bytes; a content coding would break their digest.
            sent = {"accept-encoding": "identity", **headers, **secret}
            async with self._connected().stream("GET", url, headers=sent) as response:
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    yield response
                    return
                url = next_address(url, response.headers["location"])
        raise Invalid(f"registry {host} redirects more than {_MAX_REDIRECTS} times")


async def read_bounded(response: httpx.Response, limit: int, what: str) -> bytes:
    """The whole body; `Exhausted` when it is longer than `limit`."""
    parts, size = [], 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > limit:
            host = response.url.netloc.decode("ascii", "replace")
            raise Exhausted(f"registry {host}: {what} is larger than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


async def read_error(response: httpx.Response) -> bytes:
    """The start of an error's body."""
    body = b""
    async for part in response.aiter_raw():
        body += part
        if len(body) >= _ERROR_BODY:
            break
    return body[:_ERROR_BODY]
