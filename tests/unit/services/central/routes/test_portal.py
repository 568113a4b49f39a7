"""The portal's files and headers, and its page for paths that nobody else has."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI

from services.central.routes.graphql import graphql_router
from services.central.routes.guard import Guard
from services.central.routes.portal import portal_router
from tests.support.asgi import request
from tests.support.routes import People, app_of, bearer

# Recorded headers of the reference system's page.
SECURITY = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "content-security-policy": "frame-ancestors 'self'",
    "x-frame-options": "sameorigin",
    "x-content-type-options": "nosniff",
    "x-xss-protection": "1; mode=block",
}


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    ui = tmp_path / "ui"
    (ui / "static" / "js").mkdir(parents=True)
    (ui / "index.html").write_text("<!doctype html><title>portal</title>")
    (ui / "favicon.ico").write_bytes(b"icon")
    (ui / "static" / "js" / "main.1a2b.js").write_text("let a")
    (ui / "private.txt").write_text("private")
    return app_of(graphql_router(Guard(authenticator=People())), portal_router(ui))


@pytest.mark.parametrize("path", ["/", "/main", "/main/violations/1?x=y", "/login", "/a/b.c", "/index.html"])
async def test_page_answers_every_other_path_and_is_never_kept(app: FastAPI, path: str) -> None:
    answer = await request(app, "GET", path)
    assert answer.status == 200
    assert answer.body == b"<!doctype html><title>portal</title>"
    assert answer.headers["content-type"].startswith("text/html")
    assert SECURITY.items() <= answer.headers.items()
    assert answer.headers["cache-control"] == "no-store, no-cache"


async def test_asset_is_kept_for_a_year(app: FastAPI) -> None:
    answer = await request(app, "GET", "/static/js/main.1a2b.js")
    assert (answer.status, answer.body) == (200, b"let a")
    assert "javascript" in answer.headers["content-type"]
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert SECURITY.items() <= answer.headers.items()
    assert answer.headers["etag"]


@pytest.mark.parametrize("path", ["/", "/main", "/static/js/main.1a2b.js", "/favicon.ico"])
async def test_head_gives_the_headers_alone(app: FastAPI, path: str) -> None:
    whole, head = await request(app, "GET", path), await request(app, "HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers == whole.headers


async def test_icon_is_served(app: FastAPI) -> None:
    answer = await request(app, "GET", "/favicon.ico")
    assert (answer.status, answer.body) == (200, b"icon")
    assert SECURITY.items() <= answer.headers.items()


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/js",
        "/static/nosuch.js",
        "/static/../private.txt",
        "/static/../../x",
        "/static/\0",
        "/static/" + "x" * 500,
        "/v1/nosuch",
        "/v2/nosuch",
        "/V1/ping",
        "/V2/x",
    ],
    ids=lambda path: path[:20],
)
async def test_path_of_nothing_is_not_found_in_plain_text(app: FastAPI, path: str) -> None:
    answer = await request(app, "GET", path)
    assert (answer.status, answer.body) == (404, b"404 page not found\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_page_of_a_build_without_the_portal_says_what_to_do(tmp_path: Path) -> None:
    app = app_of(portal_router(tmp_path / "nosuch"))
    answer = await request(app, "GET", "/main")
    assert answer.status == 404
    assert b"Run `make ui`, or name its directory with --ui." in answer.body
    assert (await request(app, "GET", "/favicon.ico")).status == 404
    assert (await request(app, "GET", "/static/a.js")).status == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("word", "status", "text"),
    [
        ("", 401, b"credentials not found\n"),
        ("bad", 401, b"credentials not found: token-based: "),
        ("admin", 501, b"GraphQL is not served; use the REST API (/api/docs/swagger)\n"),
    ],
)
async def test_graphql_is_refused_after_the_caller_is_known(
    app: FastAPI, method: str, word: str, status: int, text: bytes
) -> None:
    answer = await request(app, method, "/api/graphql?opname=x", body=b"{not json", headers=bearer(word))
    assert answer.status == status
    assert answer.body.startswith(text)
    assert answer.headers["x-content-type-options"] == "nosniff"
