"""The portal's files: static assets, and its page for every path that nobody else has.

Headers are upstream's (`pkg/httputil`, `central/ui`). Hashed assets may be kept for a
year, the page itself never.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, PlainTextResponse, Response

from services.central.routes.files import file_in

_SECURITY = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "frame-ancestors 'self'",
    "X-Frame-Options": "sameorigin",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
}
_NEVER = {**_SECURITY, "Cache-Control": "no-store, no-cache"}
_FOREVER = {**_SECURITY, "Cache-Control": "public, max-age=31536000, immutable"}


def portal_router(ui: Path) -> APIRouter:
    """Routes for the files below `ui`, the directory that `make ui` builds."""
    router = APIRouter()
    root = ui.resolve()

    @router.api_route("/static/{name:path}", methods=["GET", "HEAD"])
    async def asset(name: str) -> Response:
        file = file_in(root / "static", name)
        if file is None:
            return PlainTextResponse("404 page not found\n", status_code=404)
        return FileResponse(file, headers=_FOREVER)

    @router.api_route("/favicon.ico", methods=["GET", "HEAD"])
    async def icon() -> Response:
        file = root / "favicon.ico"
        if not file.is_file():
            return PlainTextResponse("404 page not found\n", status_code=404)
        return FileResponse(file, headers=_SECURITY)

    @router.api_route("/{path:path}", methods=["GET", "HEAD"])
    async def page(path: str) -> Response:
        if path.partition("/")[0] in {"v1", "v2", "V1", "V2"}:
            return PlainTextResponse("404 page not found\n", status_code=404)
        index = root / "index.html"
        if not index.is_file():
            return PlainTextResponse(
                "The portal is not part of this build. Run `make ui`, or name its directory with --ui.\n",
                status_code=404,
            )
        return FileResponse(index, headers=_NEVER)

    return router
