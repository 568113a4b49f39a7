"""`/api/extensions/scannerdefinitions`: bundles and mappings for scanners, and uploads.

Forms and permissions are upstream's (`central/scannerdefinitions/handler`).
"""

from __future__ import annotations

from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

from pyrox.errors import Invalid, NotFound
from pyrox.rpc.authz import AnyOf, Permissions, Services
from services.central.definitions.files import NAME_TO_REPOS, REPO_TO_CPE, VULNERABILITIES, Definitions
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


def definitions_router(definitions: Definitions, guard: Guard) -> APIRouter:
    """GET one file, POST an offline bundle."""
    router = APIRouter()

    @router.api_route(PATH, methods=["GET", "HEAD"])
    async def fetch(request: Request) -> Response:
        await guard.check(request, _READ)
        found = definitions.find(_name_of(request))
        if found is None:
            return PlainTextResponse("No scanner definitions found\n", status_code=404)
        headers = {"Last-Modified": format_datetime(found.modified, usegmt=True)}
        if _unchanged(request, found.modified.timestamp()):
            return Response(status_code=304, headers=headers)
        return FileResponse(found.path, headers=headers)

    @router.post(PATH)
    async def upload(request: Request) -> Response:
        await guard.check(request, _WRITE)
        names = await definitions.take(request.stream())
        return PlainTextResponse(
            f"Successfully stored the offline vulnerability definitions: {', '.join(names)}\n"
        )

    return router


def _name_of(request: Request) -> str:
    """The file that the query asks for. Raises `Invalid` for another combination."""
    query = request.query_params
    file, version, uuid = query.get("file", ""), query.get("version", ""), query.get("uuid", "")
    if version and not file and not uuid:
        return VULNERABILITIES
    if file in _MAPPINGS and not version and not uuid:
        return _MAPPINGS[file]
    if uuid and not version:
        raise NotFound.because("definitions of the StackRox Scanner, which this Central does not have")
    raise Invalid.because("exactly one of uuid, file (repo2cpe, name2repos) and version must be given")


def _unchanged(request: Request, modified: float) -> bool:
    since = request.headers.get("if-modified-since", "")
    try:
        moment = parsedate_to_datetime(since) if since else None
        return moment is not None and modified <= moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return False
