"""The FastAPI app of all custom routes, put together from this folder's modules.

`services.central.app` makes it and puts it behind the gateway. It must not know domains
beyond what the routers it receives do.
"""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from pyrox.errors import RoxError
from services.central.routes.guard import refusal


def custom_routes(routers: Iterable[APIRouter]) -> FastAPI:
    """One app; later routers see only paths that earlier ones do not have."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for router in routers:
        app.include_router(router)

    @app.exception_handler(RoxError)
    async def refuse(_: Request, error: RoxError) -> Response:
        return refusal(error)

    return app
