"""`/api/extensions/helm-charts/<name>.zip`: the charts of this installation.

For whoever is logged in. Path, refusals and headers are upstream's (`central/helmcharts`),
which gives out the chart of the secured cluster only.
"""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pyrox.errors import NotFound
from pyrox.policy.quoting import quote
from pyrox.rpc.authz import AUTHENTICATED
from services.central.charts import Charts
from services.central.routes.answers import EVERY_METHOD, text_error
from services.central.routes.guard import Guard

PREFIX = "/api/extensions/helm-charts"
_METHOD_NOT_ALLOWED, _NOT_FOUND = 405, 404


def helm_charts_router(charts: Charts, guard: Guard) -> APIRouter:
    """The one route."""
    router = APIRouter()

    @router.api_route(f"{PREFIX}/{{rest:path}}", methods=list(EVERY_METHOD))
    async def serve(rest: str, request: Request) -> Response:
        await guard.check(request, AUTHENTICATED)
        if request.method != "GET":
            return text_error(_METHOD_NOT_ALLOWED, f"method {quote(request.method)} not allowed")
        name = rest.removesuffix(".zip")
        if name == rest or not name or "/" in name:
            return text_error(_NOT_FOUND, f"unknown path {quote('/' + rest)}")
        try:
            content = await asyncio.to_thread(lambda: packed(charts.files(name)))
        except NotFound:
            return text_error(_NOT_FOUND, f"unknown chart {quote(name)}")
        headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
        return Response(content, media_type="application/zip", headers=headers)

    return router


def packed(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()
