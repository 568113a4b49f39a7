"""`/api/graphql`: known, and not served; the portal reads `/api/ui` and REST instead."""

from __future__ import annotations

from fastapi import APIRouter, Request

from pyrox.errors import Unimplemented
from pyrox.rpc.authz import AUTHENTICATED
from services.central.routes.guard import Guard


def graphql_router(guard: Guard) -> APIRouter:
    """Refuses by name, after the caller is known."""
    router = APIRouter()

    @router.api_route("/api/graphql", methods=["GET", "POST"])
    async def refuse(request: Request) -> None:
        await guard.check(request, AUTHENTICATED)
        raise Unimplemented("GraphQL is not served; use the REST API (/api/docs/swagger)")

    return router
