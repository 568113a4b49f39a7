"""Red Hat's file of repositories and their platform names, passed on to the Matcher.

Fetched anew for every request (the server behind decides by `If-Modified-Since`), from
Central or Sensor, or from the public address. A seed file answers when a first request
finds no server. Used by `api`; it must not know the database.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson

from pyrox import log
from pyrox.errors import RoxError, Unavailable
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2 as pb

_LOG = log.get(__name__)
# The file has a few MB; the bound only keeps a wrong server from filling the memory.
_MAX_BYTES = 128 * 1024 * 1024


class RepositoryMapping:
    """The mapping's source."""

    def __init__(self, *, url: str, seed: Path | None, client: Callable[[], httpx.AsyncClient]) -> None:
        self._url = url
        self._seed = seed
        self._client = client

    async def get(self, since: str) -> pb.GetRepositoryToCPEMappingResponse:
        """The mapping, or `modified=False` when it did not change since the given `Last-Modified`."""
        try:
            return await self._fetch(since)
        except RoxError as error:
            if since or self._seed is None:
                raise
            _LOG.warning("repository mapping from its seed file", error=error.message)
            return parse_mapping(self._seed.read_bytes(), last_modified="")

    async def _fetch(self, since: str) -> pb.GetRepositoryToCPEMappingResponse:
        headers = {"if-modified-since": since} if since else {}
        body = bytearray()
        try:
            async with self._client() as client, client.stream("GET", self._url, headers=headers) as response:
                if response.status_code == httpx.codes.NOT_MODIFIED:
                    return pb.GetRepositoryToCPEMappingResponse(modified=False, last_modified=since)
                if response.status_code != httpx.codes.OK:
                    raise Unavailable(f"repository mapping {self._url}: {response.status_code}")
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _MAX_BYTES:
                        raise Unavailable(f"repository mapping {self._url}: larger than {_MAX_BYTES} bytes")
        except httpx.HTTPError as error:
            raise Unavailable(
                f"repository mapping {self._url}: {str(error) or type(error).__name__}"
            ) from error
        return parse_mapping(bytes(body), last_modified=response.headers.get("last-modified", ""))


def parse_mapping(body: bytes, *, last_modified: str) -> pb.GetRepositoryToCPEMappingResponse:
    """Read `{"data": {"<repository>": {"cpes": [...]}}}`; repositories without names are left out.

    Raises `Unavailable` when the file has another form.
    """
    try:
        data: Any = orjson.loads(body)["data"]
        pairs = {name: info["cpes"] for name, info in data.items() if info.get("cpes")}
        mapping = {name: pb.RepositoryCPEInfo(cpes=_texts(cpes)) for name, cpes in pairs.items()}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable("the repository mapping has not the expected form") from error
    return pb.GetRepositoryToCPEMappingResponse(modified=True, last_modified=last_modified, mapping=mapping)


def _texts(value: Any) -> list[str]:
    """The list itself; a text is none, although one can go through its letters."""
    if not isinstance(value, list):
        raise TypeError("expected a list")
    return value
