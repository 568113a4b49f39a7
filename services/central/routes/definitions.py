"""`/api/extensions/scannerdefinitions`: bundles and mappings for scanners, and uploads.

Forms, texts and permissions are upstream's (`central/scannerdefinitions/handler`).
"""

from __future__ import annotations

import mimetypes
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response, StreamingResponse

from pyrox.errors import RoxError
from pyrox.rpc.authz import AnyOf, Permissions, Services
from services.central.definitions.files import (
    NAME_TO_REPOS,
    REPO_TO_CPE,
    VULNERABILITIES,
    Definitions,
    Wanted,
)
from services.central.routes.answers import json_refusal
from services.central.routes.guard import Guard

PATH = "/api/extensions/scannerdefinitions"
_READ = AnyOf.of(
    Services.of(
        "SENSOR_SERVICE",
        "SCANNER_SERVICE",
        "SCANNER_V4_SERVICE",
        "SCANNER_V4_INDEXER_SERVICE",
        "SCANNER_V4_MATCHER_SERVICE",
    ),
    Permissions(read=("Administration",)),
)
_WRITE = Permissions(write=("Administration",))
_MAPPINGS = {"repo2cpe": REPO_TO_CPE, "name2repos": NAME_TO_REPOS}
# The types that upstream compresses (`pkg/httputil` for this route); bundles are compressed already.
_COMPRESSED = frozenset({"application/json", "application/yaml", "text/plain"})
_SLICE = 1 << 18
_GZIP = 16 + zlib.MAX_WBITS


def definitions_router(definitions: Definitions, guard: Guard) -> APIRouter:
    """GET one file, POST an offline bundle."""
    router = APIRouter()

    @router.api_route(PATH, methods=["GET", "HEAD"])
    async def fetch(request: Request) -> Response:
        await guard.check(request, _READ)
        query = request.query_params
        uuid, file, version = query.get("uuid", ""), query.get("file", ""), query.get("version", "")
        if not uuid and bool(file) == bool(version):
            return PlainTextResponse("at least one of file or uuid must be specified", status_code=400)
        wanted = _wanted(uuid, file, version)
        found = await definitions.find(wanted, _since(request)) if wanted else None
        if wanted is None or found is None:
            return PlainTextResponse("No scanner definitions found", status_code=404)
        headers = {"Last-Modified": format_datetime(found.modified, usegmt=True)}
        if found.path is None:
            return Response(status_code=304, headers=headers)
        return _served(request, found.path, wanted.member or "definitions.zip", headers)

    @router.post(PATH)
    async def upload(request: Request) -> Response:
        await guard.check(request, _WRITE)
        try:
            await definitions.take(request.stream())
        except RoxError as error:
            return json_refusal(error)
        return PlainTextResponse("Successfully stored scanner vulnerability definitions")

    return router


def _wanted(uuid: str, file: str, version: str) -> Wanted | None:
    """What the query asks for; None for a mapping that nobody knows."""
    if uuid:
        return Wanted.of_v2(file)
    if version:
        return Wanted.of_v4(VULNERABILITIES, version)
    return Wanted.of_v4(_MAPPINGS[file]) if file in _MAPPINGS else None


def _since(request: Request) -> datetime | None:
    """The date of If-Modified-Since; None for one that cannot be read, as Go's server ignores it."""
    given = request.headers.get("if-modified-since", "")
    try:
        moment = parsedate_to_datetime(given) if given else None
        return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _served(request: Request, path: Path, name: str, headers: dict[str, str]) -> Response:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    wants = "gzip" in request.headers.get("accept-encoding", "") and "range" not in request.headers
    if kind not in _COMPRESSED:
        return FileResponse(path, headers=headers, media_type=kind)
    headers["Vary"] = "Accept-Encoding"
    if not wants or request.method == "HEAD":
        return FileResponse(path, headers=headers, media_type=kind)
    headers["Content-Encoding"] = "gzip"
    return StreamingResponse(_gzipped(path), headers=headers, media_type=kind)


def _gzipped(path: Path) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=_GZIP)
    with path.open("rb") as file:
        while part := file.read(_SLICE):
            yield packer.compress(part)
    yield packer.flush()
