"""`/api/cli/download/*`: the command line client, for whoever is logged in."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

from pyrox.rpc.authz import AUTHENTICATED
from services.central.routes.files import file_in
from services.central.routes.guard import Guard


def downloads_router(directory: Path, guard: Guard) -> APIRouter:
    """Files of one directory, by name."""
    router = APIRouter()
    root = directory.resolve()

    @router.api_route("/api/cli/download/{name}", methods=["GET", "HEAD"])
    async def download(name: str, request: Request) -> Response:
        await guard.check(request, AUTHENTICATED)
        file = file_in(root, name)
        if file is None or file.parent != root:
            return PlainTextResponse(f"{name} is not part of this installation\n", status_code=404)
        return FileResponse(file, filename=name, media_type="application/octet-stream")

    return router
