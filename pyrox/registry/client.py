"""Reading of one registry: ping, manifests, configuration, blobs, image metadata.

Used by the Indexer (layers), Central and Sensor (metadata). Everything a registry
sends is checked: digests while streaming, sizes, counts and times against `Limits`.
Errors are those of `pyrox.errors` and quote the registry's own words.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx

from pyrox.clock import Clock
from pyrox.errors import Exhausted, Invalid, Unavailable
from pyrox.pb.storage import image_pb2
from pyrox.registry import address, auth
from pyrox.registry.manifest import ACCEPT, Descriptor, Index, Manifest, Platform, parse_manifest
from pyrox.registry.metadata import image_metadata
from pyrox.registry.names import Digest, Reference, api_host, is_digest, parse_digest
from pyrox.registry.proxied import ProxyChoice, direct
from pyrox.registry.transport import Limits, Tls, Transport, read_bounded, read_error, refusal


class BlobDiffers(Invalid):
    """A blob whose bytes are not those that its descriptor names."""


class BlobTooLarge(Exhausted):
    """A blob that is, or says that it is, larger than any that is read."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One registry and how to reach it."""

    host: str
    """`host[:port]`, as in an image's name."""
    scheme: str = "https"
    credentials: auth.Credentials = field(default_factory=auth.Credentials)
    tls: Tls = field(default_factory=Tls)


class RegistryClient:
    """A connection pool to one registry; use it as an async context manager."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        clock: Clock,
        user_agent: str = "PyRox",
        limits: Limits | None = None,
        proxies: ProxyChoice = direct,
    ) -> None:
        self.endpoint = endpoint
        self.limits = limits or Limits()
        self._clock = clock
        self._base = f"{endpoint.scheme}://{api_host(endpoint.host)}"
        self._transport = Transport(
            tls=endpoint.tls, limits=self.limits, user_agent=user_agent, proxies=proxies
        )
        self._tokens = auth.Tokens(clock)
        self._basic = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def ping(self) -> None:
        """Return when the registry answers and accepts the credentials."""
        async with self._get("/v2/", what="checking access", scope="", accept="*/*") as response:
            await read_bounded(response, self.limits.manifest_bytes, "the answer to a ping")

    async def manifest(self, repository: str, target: str) -> Manifest | Index:
        """The manifest or list behind a tag or digest, its digest checked.

        Raises `NotFound` when the registry does not have it, `Invalid` when it lies.
        """
        what = (
            f"manifest of {repository}:{target}"
            if not is_digest(target)
            else f"manifest {repository}@{target}"
        )
        path = f"/v2/{repository}/manifests/{target}"
        async with self._get(path, what=what, scope=_pull(repository), accept=ACCEPT) as response:
            body = await read_bounded(response, self.limits.manifest_bytes, what)
            kind = response.headers.get("content-type", "")
        digest = _check_manifest(body, target, f"registry {self.endpoint.host}: {what}")
        return parse_manifest(body, digest=digest, content_type=kind)

    async def resolve(self, reference: Reference, platform: Platform | None = None) -> Manifest:
        """The manifest of the image for one platform (linux/amd64 unless given)."""
        found = await self.manifest(reference.repository, reference.target)
        if isinstance(found, Index):
            choice = found.choose(platform or Platform())
            found = await self.manifest(reference.repository, choice.digest)
        if isinstance(found, Index):
            raise Invalid(f"image {reference}: a manifest list inside a manifest list is not read")
        return found

    async def config(self, repository: str, manifest: Manifest) -> bytes:
        """The configuration blob of an image, its digest checked."""
        if manifest.config.size > self.limits.config_bytes:
            raise Exhausted(f"configuration {manifest.config.digest} claims {manifest.config.size} bytes")
        parts = [part async for part in self._chunks(repository, manifest.config, self.limits.config_bytes)]
        return b"".join(parts)

    async def metadata(
        self, reference: Reference, platform: Platform | None = None
    ) -> image_pb2.ImageMetadata:
        """All that the registry knows about the image, without its layers."""
        manifest = await self.resolve(reference, platform)
        return image_metadata(manifest, await self.config(reference.repository, manifest))

    def blob(self, repository: str, descriptor: Descriptor) -> AsyncIterator[bytes]:
        """The bytes of a blob as they arrive.

        The digest is known to be right only when the iteration ends without an error:
        `BlobDiffers` when digest or size differ, `BlobTooLarge` when it is too large.
        """
        return self._chunks(repository, descriptor, self.limits.blob_bytes)

    async def _chunks(self, repository: str, descriptor: Descriptor, limit: int) -> AsyncIterator[bytes]:
        what = f"blob {repository}@{descriptor.digest}"
        hasher, size = hashlib.new(descriptor.digest.partition(":")[0]), 0
        limit = min(limit, descriptor.size) if descriptor.size else limit
        path = f"/v2/{repository}/blobs/{descriptor.digest}"
        seconds = self.limits.blob_seconds
        async with self._get(
            path, what=what, scope=_pull(repository), accept="*/*", seconds=seconds
        ) as response:
            began = self._clock.monotonic()
            async for chunk in response.aiter_raw():
                size += len(chunk)
                self._check_pace(what, size, self._clock.monotonic() - began)
                if size > limit:
                    raise BlobTooLarge(
                        f"registry {self.endpoint.host}: {what} is larger than the {limit} bytes allowed"
                    )
                hasher.update(chunk)
                yield chunk
        got = f"{descriptor.digest.partition(':')[0]}:{hasher.hexdigest()}"
        if got != descriptor.digest or (descriptor.size and size != descriptor.size):
            raise BlobDiffers(
                f"registry {self.endpoint.host}: {what}: got {size} bytes with the digest {got}"
            )

    def _check_pace(self, what: str, size: int, seconds: float) -> None:
        rate = self.limits.blob_rate
        if size < (seconds - self.limits.document_seconds) * rate:
            host = self.endpoint.host
            raise Unavailable(f"registry {host}: {what}: slower than {rate:g} bytes a second")

    @asynccontextmanager
    async def _get(
        self, path: str, *, what: str, scope: str, accept: str, seconds: float = 0.0
    ) -> AsyncIterator[httpx.Response]:
        """GET with authorisation; yields only successful answers."""
        headers = {"accept": accept}
        seconds = seconds or self.limits.document_seconds
        url = f"{self._base}{path}"
        known = self._known(scope)
        async with self._transport.open(
            url, what=what, headers=headers, seconds=seconds, auth=known
        ) as response:
            if response.status_code != 401:
                yield await self._successful(response, what)
                return
            words = await read_error(response)
        fresh = await self._authorise(response, scope, known, what, words)
        async with self._transport.open(
            url, what=what, headers=headers, seconds=seconds, auth=fresh
        ) as response:
            yield await self._successful(response, what)

    async def _successful(self, response: httpx.Response, what: str) -> httpx.Response:
        if not response.is_success:
            raise refusal(self.endpoint.host, what, response, await read_error(response))
        return response

    def _known(self, scope: str) -> str:
        """The authorisation that worked before, so that the challenge is not repeated."""
        token = self._tokens.get(scope)
        if token:
            return f"Bearer {token}"
        return self._basic_header() if self._basic else ""

    def _basic_header(self) -> str:
        credentials = self.endpoint.credentials
        pair = f"{credentials.username}:{credentials.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    async def _authorise(
        self, response: httpx.Response, scope: str, sent: str, what: str, words: bytes
    ) -> str:
        """What to send after a 401; raises what the registry said when nothing is left."""
        refused = refusal(self.endpoint.host, what, response, words)
        challenge = auth.choose_challenge(response.headers.get_list("www-authenticate"))
        if challenge is None:
            raise refused
        if challenge.scheme == "bearer":
            self._tokens.forget(scope)
            return await self._new_token(challenge, scope, what)
        if self.endpoint.credentials.anonymous or sent.startswith("Basic "):
            raise refused
        self._basic = True
        return self._basic_header()

    async def _new_token(self, challenge: auth.Challenge, scope: str, what: str) -> str:
        auth.check_realm(challenge.realm, self.endpoint.scheme)
        scope_asked = challenge.parameters.get("scope") or scope
        parameters = {"service": challenge.parameters.get("service", ""), "scope": scope_asked}
        credentials = self.endpoint.credentials
        if credentials.username:
            parameters["account"] = credentials.username
        url = _with_parameters(challenge.realm, {k: v for k, v in parameters.items() if v})
        what = f"{what}: asking {address.split(url).netloc} for a token"
        header = "" if credentials.anonymous else self._basic_header()
        seconds = self.limits.document_seconds
        async with self._transport.open(url, what=what, headers={}, seconds=seconds, auth=header) as response:
            await self._successful(response, what)
            body = await read_bounded(response, self.limits.manifest_bytes, "the token")
        return f"Bearer {self._tokens.put(scope, body)}"


def _with_parameters(url: str, parameters: dict[str, str]) -> str:
    try:
        return str(httpx.URL(url).copy_merge_params(parameters))
    except httpx.InvalidURL as err:
        raise address.malformed(url, err) from err


def _pull(repository: str) -> str:
    return f"repository:{repository}:pull"


def _check_manifest(body: bytes, target: str, what: str) -> Digest:
    """The manifest's digest; `Invalid` when it is not the one that was asked for."""
    if not is_digest(target):
        return Digest(f"sha256:{hashlib.sha256(body).hexdigest()}")
    wanted = parse_digest(target)
    algorithm = wanted.partition(":")[0]
    if (got := f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}") != wanted:
        raise Invalid(f"{what}: the registry sent another one, with the digest {got}")
    return wanted
