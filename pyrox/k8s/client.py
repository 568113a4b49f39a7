"""Access to one Kubernetes API server: configuration, raw requests, lines of a watch.

Sensor, Admission and the local supervisor open one. Configuration comes from the
official client (kubeconfig with exec plugins, or the pod's service account); bodies are
plain JSON decoded by orjson, never the client's models. It must not know any kind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson

from pyrox.errors import Exhausted, Invalid, Unavailable
from pyrox.k8s import official
from pyrox.k8s.errors import error_of

Json = dict[str, Any]
# A list page of 500 objects, each at most etcd's 1.5 MiB, is far below this in practice.
MAX_BODY = 256 * 1024 * 1024
# etcd refuses objects above 1.5 MiB; a watch event wraps one of them.
MAX_LINE = 8 * 1024 * 1024
_REQUEST_SECONDS = 60.0
_CHUNK = 64 * 1024
# The keys of service accounts come as the second and nothing else.
_ACCEPTED = "application/json, application/jwk-set+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class KubeSource:
    """Where the configuration comes from: a kubeconfig file, or the pod's account when None."""

    kubeconfig: Path | None = None
    context: str = ""


class KubeClient:
    """One API server; safe for any number of concurrent requests."""

    def __init__(self, api: Any, config_error: type[Exception]) -> None:
        """Use `open`; `api` is the official client, `config_error` what its credential plugins raise."""
        self._api = api
        self._config_error = config_error

    @classmethod
    async def open(cls, source: KubeSource) -> KubeClient:
        """Read the configuration; nothing is sent yet.

        Raises `Invalid` when there is none or it cannot be read.
        """
        parts = official.load()
        configuration = parts.configuration()
        try:
            if source.kubeconfig is None:
                parts.load_incluster_config(client_configuration=configuration)
            else:
                await parts.load_kube_config(
                    config_file=str(source.kubeconfig),
                    context=source.context or None,
                    client_configuration=configuration,
                    persist_config=False,
                )
        except (parts.config_error, OSError) as error:
            raise Invalid(f"Kubernetes configuration {source.kubeconfig or 'of the pod'}: {error}") from error
        # Many watches are open at once; the API server is reached directly, or by the
        # kubeconfig's own proxy-url, never by the proxy for the internet.
        configuration.connection_pool_maxsize = 0
        configuration.retries = None
        configuration.client_session_kwargs = {"trust_env": False}
        return cls(parts.api_client(configuration), parts.config_error)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        """The JSON object at the path."""
        return await self._json("GET", path, query)

    async def create(self, path: str, body: Json) -> Json:
        """Create an object in the collection."""
        return await self._json("POST", path, None, body=body)

    async def replace(self, path: str, body: Json) -> Json:
        """Replace the object."""
        return await self._json("PUT", path, None, body=body)

    async def patch(
        self, path: str, body: Json, *, form: str = MERGE_PATCH, query: Mapping[str, str] | None = None
    ) -> Json:
        """Patch the object in one of the API's forms."""
        return await self._json("PATCH", path, query, body=body, content_type=form)

    async def delete(self, path: str, *, grace_seconds: int | None = None) -> Json:
        """Delete the object."""
        query = None if grace_seconds is None else {"gracePeriodSeconds": str(grace_seconds)}
        return await self._json("DELETE", path, query)

    @asynccontextmanager
    async def lines(
        self, path: str, query: Mapping[str, str], *, seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of a streamed answer that may last so long."""
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=_REQUEST_SECONDS)
        response = await self._send("GET", path, query, timeout=timeout)
        transport = response.connection.transport if response.connection is not None else None
        try:
            yield _lines(response)
        finally:
            response.close()
            # A watch that is left would wait up to half a minute for the server's part of
            # the TLS shutdown; one that the server ended is back in the pool.
            if transport is not None and not response.content.at_eof():
                transport.abort()

    async def _json(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        *,
        body: Json | None = None,
        content_type: str = "application/json",
    ) -> Json:
        timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS)
        response = await self._send(
            method, path, query, timeout=timeout, body=body, content_type=content_type
        )
        try:
            raw = await _bounded(response, MAX_BODY)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"Kubernetes API {path}: {error!r}") from error
        finally:
            response.release()
        try:
            parsed = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Unavailable(f"Kubernetes API {path}: the answer is no JSON: {error}") from error
        if not isinstance(parsed, dict):
            raise Unavailable(f"Kubernetes API {path}: the answer is no object")
        return parsed

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - handed to aiohttp
        body: Json | None = None,
        content_type: str = "application/json",
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": _ACCEPTED, "Content-Type": content_type}
        try:
            await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
            url = self._api.configuration.host.rstrip("/") + path
            answer = await self._api.rest_client.request(
                method,
                f"{url}?{urlencode(query)}" if query else url,
                headers=headers,
                body=body,
                _request_timeout=timeout,
            )
        except (aiohttp.ClientError, TimeoutError, OSError, self._config_error) as error:
            raise Unavailable(f"Kubernetes API {path}: {error!r}") from error
        response: aiohttp.ClientResponse = answer.response
        if response.status >= 300:
            try:
                raw = await _bounded(response, _CHUNK)
            except (aiohttp.ClientError, TimeoutError, OSError, Exhausted):
                raw = b""
            response.close()
            raise error_of(response.status, path, raw)
        return response


async def _bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(_CHUNK):
        size += len(part)
        if size > limit:
            raise Exhausted(f"Kubernetes API: an answer is longer than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Split the body at newlines; ends when the server ends it."""
    rest = bytearray()
    try:
        async for part in response.content.iter_any():
            rest += part
            if b"\n" not in part:
                if len(rest) > MAX_LINE:
                    raise Exhausted(f"Kubernetes API: a watch event is longer than {MAX_LINE} bytes")
                continue
            *whole, tail = bytes(rest).split(b"\n")
            rest = bytearray(tail)
            for line in whole:
                if line:
                    yield line
    except TimeoutError:
        return
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"Kubernetes API: the watch ended: {error!r}") from error
