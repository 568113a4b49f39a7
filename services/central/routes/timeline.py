"""The events of a deployment's pods: `/api/ui/risk/deployments/<id>/timeline`, and a file of them.

The file is upstream's `/api/risk/timeline/export/csv`; the first is the portal's own, for
what upstream's asks of GraphQL. It must not know SQL.
"""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from pyrox.errors import Invalid, RoxError
from pyrox.rpc.authz import Permissions
from pyrox.rpc.call import Call
from pyrox.rpc.errors import status_of
from services.central.risk.timeline import Scopes, TimelineReader
from services.central.routes.guard import Guard, refusal

MAX_QUERY = 8192
_READ = Permissions(read=("Deployment", "DeploymentExtension"))
_HEADERS = {"Cache-Control": "no-store, no-cache"}
_FILE = {"Content-Disposition": 'attachment; filename="events_export"'}


def timeline_router(reader: TimelineReader, guard: Guard) -> APIRouter:
    """The two routes."""
    router = APIRouter()

    @router.get("/api/ui/risk/deployments/{id}/timeline")
    async def shown(id: str, request: Request) -> Response:  # noqa: A002 - the path's own word
        try:
            scopes = _scopes(await guard.check(request, _READ))
            made = (await reader.of_deployment(id, scopes)).as_json(id)
        except RoxError as error:
            status = status_of(error)
            return _json(status.body, status.http, status.headers)
        return _json(made, 200, {})

    @router.get("/api/risk/timeline/export/csv")
    async def exported(request: Request) -> Response:
        try:
            scopes = _scopes(await guard.check(request, _READ))
            made = (await reader.matching(_query(request), scopes)).as_csv()
        except RoxError as error:
            return refusal(error)
        return Response(made, media_type="text/csv; charset=utf-8", headers=_FILE)

    return router


def _scopes(call: Call) -> Scopes:
    return Scopes(
        deployments=call.scope("Deployment"),
        extensions=call.scope("DeploymentExtension"),
        alerts=call.scope("Alert"),
    )


def _query(request: Request) -> str:
    text = request.query_params.get("query", "")
    if len(text) > MAX_QUERY:
        raise Invalid.because(f"the query is longer than {MAX_QUERY} characters; narrow it")
    return text


def _json(value: object, status: int, headers: dict[str, str]) -> Response:
    return Response(
        orjson.dumps(value),
        status_code=status,
        headers={**_HEADERS, **headers},
        media_type="application/json",
    )
