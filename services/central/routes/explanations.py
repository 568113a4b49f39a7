"""`GET /api/alerts/{id}/explanation`: why there is this alert. A route of our own.

The portal and scripts call it. Authorisation, scopes and error bodies are those of the REST
API. docs/protocols/alert-explanation.md describes the answer. It must not know policies.
"""

from __future__ import annotations

from typing import Protocol

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from pyrox.errors import Invalid, RoxError
from pyrox.rpc.authz import Permissions
from pyrox.rpc.call import Call
from pyrox.rpc.errors import status_of
from services.central.routes.guard import Guard

PATH = "/api/alerts/{id}/explanation"
MAX_LIMIT, MAX_OFFSET, DEFAULT_LIMIT = 1000, 10**6, 100
_READ = Permissions(read=("Alert",))


class Explainer(Protocol):
    """Explains alerts."""

    async def explain(self, alert_id: str, call: Call, *, offset: int, limit: int) -> dict[str, object]:
        """The explanation in its stable form."""


def explanations_router(explainer: Explainer, guard: Guard) -> APIRouter:
    """The route."""
    router = APIRouter()

    async def explanation(request: Request) -> Response:
        try:
            call = await guard.check(request, _READ)
            offset = _number(request, "offset", 0, 0, MAX_OFFSET)
            limit = _number(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
            made = await explainer.explain(request.path_params["id"], call, offset=offset, limit=limit)
        except RoxError as error:
            status = status_of(error)
            return _json(status.body, status.http, status.headers)
        return _json(made, 200, {})

    router.add_api_route(PATH, explanation, methods=["GET"])
    return router


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise Invalid.because(f"{name} must be a number from {least} to {most}, not {text[:100]!r}")
    return int(text)


def _json(value: object, status: int, headers: dict[str, str]) -> Response:
    return Response(
        orjson.dumps(value),
        status_code=status,
        headers={"Cache-Control": "no-store, no-cache", **headers},
        media_type="application/json",
    )
