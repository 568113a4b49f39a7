"""`POST /api/v1/images/sbom`: an image's bill of materials as a download, in SPDX 2.3.

The portal's button and `roxctl image sbom` call it. Statuses and messages are upstream's
(`central/image/service/http_handler.go`). It must not know how the document is made.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pyrox.errors import DeadlinePassed, Invalid, RoxError
from pyrox.rpc.authz import Permissions
from pyrox.rpc.errors import status_of
from pyrox.rpc.scope import Access
from services.central.images.bills import BillRequest, ImageBills
from services.central.routes import go_json
from services.central.routes.answers import EVERY_METHOD, json_error
from services.central.routes.guard import Guard

PATH = "/api/v1/images/sbom"
_WRITE = Permissions(write=("Image",))
_METHOD_NOT_ALLOWED = 405
_UNIMPLEMENTED = 12
_INTERNAL = 13
_DISABLED = "Scanner V4 is disabled. Enable Scanner V4 to generate SBOMs"
_TYPE = "apiparams.SBOMRequestBody"
_FIELDS = {"cluster": str, "namespace": str, "imageName": str, "force": bool, "digest": str}
# Upstream pkg/zip/safe_filename.go.
_SEPARATORS, _UNSAFE, _DASHES = re.compile(r"[ &_=+:/]"), re.compile(r"[^a-z0-9-]"), re.compile(r"-+")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost."""

    body_bytes: int
    """More is not read."""
    seconds: float


def sboms_router(bills: ImageBills | None, limits: Limits, guard: Guard) -> APIRouter:
    """The route; `bills` is None where no Scanner V4 is installed."""
    router = APIRouter()

    async def image(request: Request) -> Response:
        call = await guard.check(request, _WRITE)
        call.require("Image", Access.READ_WRITE_ACCESS)
        if request.method != "POST":
            return Response(status_code=_METHOD_NOT_ALLOWED)
        if bills is None:
            return json_error(501, _DISABLED, code=_UNIMPLEMENTED)
        try:
            wanted = _wanted(await _body(request, limits.body_bytes))
        except Invalid as error:
            return _failed("decoding json request body", error)
        try:
            return _download(await _in_time(bills, wanted, limits.seconds), wanted.image_name)
        except RoxError as error:
            return _failed("generating SBOM", error)

    router.add_api_route(PATH, image, methods=list(EVERY_METHOD))
    return router


async def _in_time(bills: ImageBills, wanted: BillRequest, seconds: float) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await bills.of(wanted)
    except TimeoutError as error:
        raise DeadlinePassed("context deadline exceeded") from error


async def _body(request: Request, most: int) -> bytes:
    """The first bytes of the body; what comes after them is as if it were not there."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) >= most:
            break
    return bytes(body[:most])


def _wanted(body: bytes) -> BillRequest:
    fields = go_json.decode(body, _TYPE, _FIELDS)
    return BillRequest(
        image_name=str(fields.get("imageName", "")).strip(),
        digest=str(fields.get("digest", "")).strip(),
        cluster=str(fields.get("cluster", "")),
        force=bool(fields.get("force", False)),
    )


def _failed(doing: str, error: RoxError) -> Response:
    status = status_of(error)
    return json_error(status.http, f"{doing}: {status.message}", code=status.code)


def _download(bill: bytes, image_name: str) -> Response:
    if not bill:
        return json_error(500, "SBOM not found for the image", code=_INTERNAL)
    headers = {"Content-Disposition": f"attachment; filename={safe_file_name(image_name)}.json"}
    return Response(bill, media_type="application/json", headers=headers)


def safe_file_name(text: str) -> str:
    """The text as a file name that every system takes."""
    dashed = _SEPARATORS.sub("-", text.strip().lower())
    return _DASHES.sub("-", _UNSAFE.sub("", dashed))
