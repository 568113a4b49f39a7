"""The OpenAPI documents: for whoever is logged in, with the host that the request named."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from pyrox.rpc.methods import table
from pyrox.version import WIRE_VERSION
from services.central.about.service import PingService
from services.central.routes.docs import docs_router
from services.central.routes.guard import Guard
from services.central.unserved import services_without
from tests.support.asgi import request
from tests.support.routes import People, app_of, bearer

V1, V2 = "/api/docs/swagger", "/api/docs/v2/swagger"


@pytest.fixture(scope="module")
def app() -> FastAPI:
    methods = table([PingService()], services_without({"v1.PingService"}))
    return app_of(docs_router(methods, Guard(authenticator=People())))


@pytest.mark.parametrize(("path", "prefix"), [(V1, "/v1/"), (V2, "/v2/")])
async def test_document_holds_its_version_of_the_api_only(app: FastAPI, path: str, prefix: str) -> None:
    answer = await request(
        app, "GET", path, headers={**dict(bearer("admin")), "host": "central.example:8443"}
    )
    assert answer.status == 200
    document = answer.json
    assert document["swagger"] == "2.0"
    assert document["info"] == {"title": "API Reference", "version": WIRE_VERSION}
    assert document["host"] == "central.example:8443"
    assert document["paths"]
    assert all(name.startswith(prefix) for name in document["paths"])


async def test_document_takes_the_host_of_each_request(app: FastAPI) -> None:
    for host in ("a.example", "b.example", '"},{"'):
        answer = await request(app, "GET", V1, headers={**dict(bearer("admin")), "host": host})
        assert answer.json["host"] == host
    assert "/v1/ping" in answer.json["paths"]


@pytest.mark.parametrize("path", [V1, V2])
@pytest.mark.parametrize("word", ["", "bad"])
async def test_document_without_a_login_is_refused(app: FastAPI, path: str, word: str) -> None:
    answer = await request(app, "GET", path, headers=bearer(word))
    assert answer.status == 401
    assert answer.body.startswith(b"credentials not found")
