"""`/api/cli/download/*`: for whoever is logged in, from one directory only."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI

from services.central.routes.downloads import downloads_router
from services.central.routes.guard import Guard
from tests.support.asgi import request
from tests.support.routes import People, app_of, bearer, service

PATH = "/api/cli/download/"


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    cli = tmp_path / "cli"
    cli.mkdir()
    (cli / "roxctl-linux-amd64").write_bytes(b"\x7fELF and more")
    (cli / "roxctl-linux").symlink_to("roxctl-linux-amd64")
    (tmp_path / "secret").write_text("secret")
    (cli / "link").symlink_to(tmp_path / "secret")
    people = People(sensor=service("SENSOR_SERVICE"))
    return app_of(downloads_router(cli, Guard(authenticator=people)))


@pytest.mark.parametrize("name", ["roxctl-linux-amd64", "roxctl-linux"])
async def test_download_gives_the_whole_file_under_its_name(app: FastAPI, name: str) -> None:
    answer = await request(app, "GET", PATH + name, headers=bearer("admin"))
    assert (answer.status, answer.body) == (200, b"\x7fELF and more")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


async def test_download_asked_for_its_head_tells_the_length(app: FastAPI) -> None:
    answer = await request(app, "HEAD", PATH + "roxctl-linux", headers=bearer("admin"))
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "13")
    assert (await request(app, "HEAD", PATH + "roxctl-linux")).status == 401


async def test_download_of_a_range_gives_that_part(app: FastAPI) -> None:
    headers = {**dict(bearer("admin")), "range": "bytes=1-3"}
    answer = await request(app, "GET", PATH + "roxctl-linux", headers=headers)
    assert (answer.status, answer.body) == (206, b"ELF")
    assert answer.headers["content-range"] == "bytes 1-3/13"


@pytest.mark.parametrize("range_", ["bytes=90-", "bytes=a-b", "lines=1-2", "bytes=5-1"])
async def test_download_of_an_impossible_range_is_refused(app: FastAPI, range_: str) -> None:
    headers = {**dict(bearer("admin")), "range": range_}
    answer = await request(app, "GET", PATH + "roxctl-linux", headers=headers)
    assert answer.status in {400, 416}
    assert b"ELF" not in answer.body


@pytest.mark.parametrize("name", ["nosuch", "link", "..", "%00", "x" * 400, "roxctl-linux%00.exe"])
async def test_download_of_what_is_not_there_is_not_found(app: FastAPI, name: str) -> None:
    path = PATH + name.replace("%00", "\0")
    answer = await request(app, "GET", path, headers=bearer("admin"))
    assert answer.status == 404
    assert b"secret" not in answer.body


@pytest.mark.parametrize(("word", "status"), [("", 401), ("bad", 401), ("sensor", 401)])
async def test_download_without_a_login_is_refused_in_plain_text(
    app: FastAPI, word: str, status: int
) -> None:
    answer = await request(app, "GET", PATH + "roxctl-linux", headers=bearer(word))
    assert answer.status == status
    assert answer.body.startswith(b"credentials not found")
