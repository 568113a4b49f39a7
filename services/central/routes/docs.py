"""The OpenAPI documents of the REST API, for anybody who is logged in."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from pyrox.rpc import openapi
from pyrox.rpc.authz import AUTHENTICATED
from pyrox.rpc.methods import Method
from pyrox.version import WIRE_VERSION
from services.central.routes.guard import Guard


def docs_router(methods: Mapping[str, Method], guard: Guard) -> APIRouter:
    """`/api/docs/swagger` and `/api/docs/v2/swagger`."""
    router = APIRouter()
    made: dict[str, object] = {}

    def document(prefix: str, request: Request) -> Response:
        if prefix not in made:
            made[prefix] = openapi.document(
                methods.values(), prefix=prefix, title="API Reference", version=WIRE_VERSION
            )
        found = made[prefix]
        assert isinstance(found, dict)  # noqa: S101 - openapi makes objects
        host = request.headers.get("host", "")
        return JSONResponse({**found, "host": host, "schemes": [request.url.scheme]})

    @router.get("/api/docs/swagger")
    async def first(request: Request) -> Response:
        await guard.check(request, AUTHENTICATED)
        return document("/v1/", request)

    @router.get("/api/docs/v2/swagger")
    async def second(request: Request) -> Response:
        await guard.check(request, AUTHENTICATED)
        return document("/v2/", request)

    return router
