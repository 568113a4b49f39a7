"""`POST /api/v1/sboms/scan`: the vulnerabilities of what a bill of materials names.

`roxctl sbom scan` and pipelines call it. Statuses and messages are upstream's
(`central/image/service/sbom_scan_http_handler.go`); CycloneDX is read beside SPDX. It must not
know what a bill looks like.
"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response
from google.protobuf import json_format

from pyrox.errors import DeadlinePassed, Invalid, RoxError
from pyrox.pb.api.v1.sbom_pb2 import SBOMScanResponse
from pyrox.rpc.authz import Permissions
from pyrox.rpc.errors import status_of
from pyrox.rpc.scope import Access
from services.central.images.bills import ImageBills
from services.central.routes.answers import EVERY_METHOD, json_error
from services.central.routes.guard import Guard
from services.central.routes.sboms import Limits

PATH = "/api/v1/sboms/scan"
MEDIA_TYPES = ("text/spdx+json", "application/spdx+json", "application/vnd.cyclonedx+json")
_WRITE = Permissions(write=("Image",))
_METHOD_NOT_ALLOWED = 405
_INVALID = 3
_UNIMPLEMENTED = 12
_INTERNAL = 13


def sbom_scans_router(bills: ImageBills | None, limits: Limits, guard: Guard) -> APIRouter:
    """The route; `bills` is None where no Scanner V4 is installed."""
    router = APIRouter()

    async def scan(request: Request) -> Response:
        call = await guard.check(request, _WRITE)
        call.require("Image", Access.READ_WRITE_ACCESS)
        if bills is None:
            return json_error(501, "Scanner V4 is disabled.", code=_UNIMPLEMENTED)
        if request.method != "POST":
            return Response(status_code=_METHOD_NOT_ALLOWED)
        content_type = request.headers.get("content-type", "")
        try:
            check_media_type(content_type)
            raw = await _body(request, limits.body_bytes)
        except Invalid as error:
            return json_error(400, error.message, code=_INVALID)
        try:
            return _answer(await _in_time(bills, raw, content_type, limits.seconds))
        except RoxError as error:
            words = f"scanning SBOM: scanning sbom: {status_of(error).message}"
            return json_error(500, words, code=_INTERNAL)

    router.add_api_route(PATH, scan, methods=list(EVERY_METHOD))
    return router


def check_media_type(content_type: str) -> None:
    """Raise `Invalid` unless the type, without its parameters, is one that is read."""
    kind = content_type.partition(";")[0].strip()
    if kind not in MEDIA_TYPES:
        known = " ".join(MEDIA_TYPES)
        raise Invalid(
            f'validating media type: unsupported media type "{kind[:100]}", supported types [{known}]'
        )


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise Invalid(f"request body exceeds maximum size of {most} bytes")
    return bytes(body)


async def _in_time(bills: ImageBills, raw: bytes, content_type: str, seconds: float) -> SBOMScanResponse:
    try:
        async with asyncio.timeout(seconds):
            return await bills.scan(raw, content_type)
    except TimeoutError as error:
        raise DeadlinePassed("context deadline exceeded") from error


def _answer(found: SBOMScanResponse) -> Response:
    """The message as upstream writes it here: unset fields are left out, unlike in the REST gateway."""
    return Response(json_format.MessageToJson(found, indent=2), media_type="application/json")
