"""Red Hat's file of repositories and their platform names, passed on to the Matcher.

Fetched anew for every request (the server behind decides by `If-Modified-Since`), from
Central or Sensor, or from the public address. A seed file answers when a first request
finds no server. Used by `api` and `redhat`; it must not know the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx
import orjson

from pyrox import log
from pyrox.errors import RoxError, Unavailable
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2 as pb

_LOG = log.get(__name__)
# The files have a few MB; the bound only keeps a wrong server from filling the memory.
_MAX_BYTES = 128 * 1024 * 1024
_T = TypeVar("_T")
Lists = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Fetched(Generic[_T]):
    """A file's content, and the server's `Last-Modified` (empty for a seed)."""

    value: _T
    last_modified: str


class RemoteFile(Generic[_T]):
    """One of Red Hat's files at its address, with a seed for the first request."""

    def __init__(
        self,
        *,
        url: str,
        seed: Path | None,
        client: Callable[[], httpx.AsyncClient],
        parse: Callable[[bytes], _T],
    ) -> None:
        self._url = url
        self._seed = seed
        self._client = client
        self._parse = parse

    async def get(self, since: str) -> Fetched[_T] | None:
        """The content, or None when it did not change since the given `Last-Modified`.

        Raises `Unavailable` when neither the server nor, at a first request, the seed has it.
        """
        try:
            return await self._fetch(since)
        except RoxError as error:
            if since or self._seed is None:
                raise
            _LOG.warning("repository mapping from its seed file", error=error.message)
            return Fetched(self._parse(self._seed.read_bytes()), "")

    async def _fetch(self, since: str) -> Fetched[_T] | None:
        headers = {"if-modified-since": since} if since else {}
        body = bytearray()
        try:
            async with self._client() as client, client.stream("GET", self._url, headers=headers) as response:
                if response.status_code == httpx.codes.NOT_MODIFIED:
                    return None
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
        return Fetched(self._parse(bytes(body)), response.headers.get("last-modified", ""))


class RepositoryMapping:
    """The mapping as the Matcher asks for it."""

    def __init__(self, file: RemoteFile[Lists]) -> None:
        self._file = file

    async def get(self, since: str) -> pb.GetRepositoryToCPEMappingResponse:
        """The mapping, or `modified=False` when it did not change since the given `Last-Modified`."""
        found = await self._file.get(since)
        if found is None:
            return pb.GetRepositoryToCPEMappingResponse(modified=False, last_modified=since)
        mapping = {name: pb.RepositoryCPEInfo(cpes=cpes) for name, cpes in found.value.items()}
        return pb.GetRepositoryToCPEMappingResponse(
            modified=True, last_modified=found.last_modified, mapping=mapping
        )


def parse_repositories(body: bytes) -> Lists:
    """Read `{"data": {"<repository>": {"cpes": [...]}}}`; repositories without names are left out.

    Raises `Unavailable` when the file has another form.
    """
    try:
        data: Any = orjson.loads(body)["data"]
        return {name: _texts(info["cpes"]) for name, info in data.items() if info.get("cpes")}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable("the repository mapping has not the expected form") from error


def parse_names(body: bytes) -> Lists:
    """Read `{"data": {"<name>": ["<repository>", ...]}}`; names without repositories are left out.

    Raises `Unavailable` when the file has another form.
    """
    try:
        data: Any = orjson.loads(body)["data"]
        return {name: _texts(places) for name, places in data.items() if places}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable("the mapping of container names has not the expected form") from error


def _texts(value: Any) -> list[str]:
    """The list itself, of texts; a text is none, although one can go through its letters."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("expected a list of texts")
    return value
