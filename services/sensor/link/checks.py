"""The HTTP calls that Sensor makes before each stream.

They tell whether Central is there, whether it is the right one, and how long its
messages may be. Called by the link; it must not know the stream.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import orjson
from cryptography import x509
from google.protobuf.message import DecodeError

from pyrox import log
from pyrox.errors import RoxError, Unavailable
from pyrox.mtls.ca import ServiceTrust
from pyrox.mtls.servicecert import signed_by
from pyrox.pb.api.v1.metadata_service_pb2 import TrustInfo

_LOG = log.get(__name__)
_CENTRAL = "CENTRAL_SERVICE"
_NONCE_BYTES = 32
_MAX_ANSWER = 1024 * 1024
_PART = 64 * 1024


class CentralChecks:
    """The calls, over HTTP clients that show Sensor's certificate."""

    def __init__(
        self, *, make_client: Callable[[], httpx.AsyncClient], trust: ServiceTrust, fallback_limit: int
    ) -> None:
        """A client is made for each round, so that it shows the newest certificate."""
        self._make_client = make_client
        self._trust = trust
        self._fallback_limit = fallback_limit
        self._failure = ""

    async def run(self, *, reconnect: bool) -> int:
        """Make the calls in upstream's order; the longest message that may be received.

        Raises `Unavailable` when Central does not answer well.
        """
        try:
            made = self._make_client()
        except OSError as error:
            # Files that are being replaced, or a key that does not fit its certificate.
            raise Unavailable(f"Sensor's certificate cannot be used: {error}") from error
        async with made as client:
            calls = _Calls(client, self._trust)
            if reconnect:
                await calls.ping()
                await self._challenge(calls)
            else:
                await self._challenge(calls)
                await calls.ping()
            return await calls.preferences(self._fallback_limit)

    async def _challenge(self, calls: _Calls) -> None:
        """A failure is only logged, as upstream does, and only when it is another one than before."""
        try:
            await calls.challenge()
        except RoxError as error:
            if error.message != self._failure:
                _LOG.warning("Central's TLS challenge failed", error=error.message)
            self._failure = error.message
        else:
            self._failure = ""


@dataclass(frozen=True, slots=True)
class _Calls:
    """One round."""

    client: httpx.AsyncClient
    trust: ServiceTrust

    async def ping(self) -> None:
        """Whether Central is there. Raises `Unavailable`."""
        answer = await self._get("/v1/ping")
        if answer.get("status") != "ok":
            raise Unavailable(f"Central's /v1/ping says {str(answer)[:200]}")

    async def preferences(self, fallback: int) -> int:
        """The longest message that may be received."""
        answer = await self._get("/v1/grpc-preferences")
        try:
            return int(str(answer.get("maxGrpcReceiveSizeBytes") or fallback))
        except ValueError:
            return fallback

    async def challenge(self) -> None:
        """Check that Central holds a certificate of our CA. Raises what is wrong."""
        nonce = base64.urlsafe_b64encode(secrets.token_bytes(_NONCE_BYTES)).decode()
        answer = await self._get("/v1/tls-challenge", {"challengeToken": nonce})
        self._verify(answer, nonce)

    def _verify(self, answer: dict[str, object], nonce: str) -> None:
        try:
            raw = base64.b64decode(str(answer.get("trustInfoSerialized") or ""), validate=True)
            signature = base64.b64decode(str(answer.get("signature") or ""), validate=True)
            info = TrustInfo.FromString(raw)
            leaf = x509.load_der_x509_certificate(info.cert_chain[0])
        except (binascii.Error, DecodeError, ValueError, IndexError) as error:
            raise Unavailable(f"the answer cannot be read: {error}") from error
        if info.sensor_challenge != nonce:
            raise Unavailable("the answer is to another challenge")
        if self.trust.subject_of(leaf).type != _CENTRAL:
            raise Unavailable("the certificate is not Central's")
        if not signed_by(leaf.public_key(), signature, raw):
            raise Unavailable("the signature does not match")

    async def _get(self, path: str, query: dict[str, str] | None = None) -> dict[str, object]:
        content = bytearray()
        try:
            async with self.client.stream("GET", path, params=query) as response:
                if not response.is_success:
                    raise Unavailable(f"Central{path}: HTTP {response.status_code}")
                async for part in response.aiter_bytes(_PART):
                    content += part
                    if len(content) > _MAX_ANSWER:
                        raise Unavailable(f"Central{path}: the answer is longer than {_MAX_ANSWER} bytes")
        except (httpx.HTTPError, OSError) as error:
            raise Unavailable(f"Central{path}: {error!r}") from error
        try:
            answer = orjson.loads(bytes(content))
        except orjson.JSONDecodeError as error:
            raise Unavailable(f"Central{path}: the answer is no JSON") from error
        if not isinstance(answer, dict):
            raise Unavailable(f"Central{path}: the answer is no object")
        return answer
