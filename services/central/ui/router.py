"""`/api/ui/*`: private aggregates for the portal, as `ui/src/api/contract.json` defines them.

Upstream has these only in GraphQL. Authorisation, scopes and error bodies are those of
the REST API. It must not know SQL.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from pyrox.errors import Invalid, RoxError
from pyrox.rpc.authz import AUTHENTICATED, Permissions, Rule
from pyrox.rpc.call import Call
from pyrox.rpc.errors import status_of
from pyrox.rpc.scope import Access
from services.central.routes.guard import Guard
from services.central.ui.dashboard import DashboardStore
from services.central.ui.listing import MAX_LIMIT, MAX_OFFSET, Listing
from services.central.ui.prelude import Scopes
from services.central.ui.shape import Json
from services.central.ui.store import VulnerabilityStore

MAX_QUERY = 8192
_HEADERS = {"Cache-Control": "no-store, no-cache"}
_VULNERABILITIES = Permissions(read=("Deployment", "Image"))
Answer = Callable[[Request, Call], Awaitable[Json]]


def ui_router(store: VulnerabilityStore, dashboard: DashboardStore, guard: Guard) -> APIRouter:
    """All private routes of the portal."""
    router = APIRouter(prefix="/api/ui")

    def serve(path: str, rule: Rule, answer: Answer) -> None:
        async def endpoint(request: Request) -> Response:
            try:
                made = await answer(request, await guard.check(request, rule))
            except RoxError as error:
                status = status_of(error)
                return _json(status.body, status.http, status.headers)
            return _json(made, 200, {})

        router.add_api_route(path, endpoint, methods=["GET"])

    # The more exact path first: an id may hold a slash.
    serve("/dashboard", AUTHENTICATED, partial(_dashboard, dashboard))
    serve("/vulnerabilities/counts", _VULNERABILITIES, partial(_counts, store))
    serve("/vulnerabilities/cves", _VULNERABILITIES, partial(_cves, store))
    serve("/vulnerabilities/cves/{cve:path}", _VULNERABILITIES, partial(_cve, store))
    serve("/vulnerabilities/images", _VULNERABILITIES, partial(_images, store))
    serve("/vulnerabilities/images/{id:path}/cves", _VULNERABILITIES, partial(_image_cves, store))
    serve("/vulnerabilities/images/{id:path}", _VULNERABILITIES, partial(_image, store))
    serve("/vulnerabilities/deployments", _VULNERABILITIES, partial(_deployments, store))
    return router


async def _dashboard(store: DashboardStore, request: Request, call: Call) -> Json:
    return await store.dashboard(_query(request), partial(call.scope, access=Access.READ_ACCESS))


async def _counts(store: VulnerabilityStore, request: Request, call: Call) -> Json:
    return await store.counts(_query(request), _scopes(call))


async def _cves(store: VulnerabilityStore, request: Request, call: Call) -> Json:
    return await store.cves(_query(request), _listing(request), _scopes(call))


async def _cve(store: VulnerabilityStore, request: Request, call: Call) -> Json:
    return await store.cve(request.path_params["cve"], _query(request), _scopes(call))


async def _images(store: VulnerabilityStore, request: Request, call: Call) -> Json:
    return await store.images(_query(request), _listing(request), _scopes(call))


async def _image_cves(store: VulnerabilityStore, request: Request, call: Call) -> Json:
    image_id = request.path_params["id"]
    return await store.image_cves(image_id, _query(request), _listing(request), _scopes(call))


async def _image(store: VulnerabilityStore, request: Request, call: Call) -> Json:
    return await store.image(request.path_params["id"], _query(request), _scopes(call))


async def _deployments(store: VulnerabilityStore, request: Request, call: Call) -> Json:
    return await store.deployments(_query(request), _listing(request), _scopes(call))


def _scopes(call: Call) -> Scopes:
    return Scopes(images=call.scope("Image"), deployments=call.scope("Deployment"))


def _query(request: Request) -> str:
    text = request.query_params.get("query", "")
    if len(text) > MAX_QUERY:
        raise Invalid.because(f"the query is longer than {MAX_QUERY} characters; narrow it")
    return text


def _listing(request: Request) -> Listing:
    return Listing(
        limit=_number(request, "limit", 20, 1, MAX_LIMIT),
        offset=_number(request, "offset", 0, 0, MAX_OFFSET),
        sort=request.query_params.get("sort") or "-severity",
    )


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
        headers={**_HEADERS, **headers},
        media_type="application/json",
    )
