"""`/api/extensions/scannerdefinitions`: who may, which file, dates, parts, uploads."""

from __future__ import annotations

import io
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI

from pyrox.rpc.call import Identity
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.definitions.files import Definitions
from services.central.routes.definitions import PATH, definitions_router
from services.central.routes.guard import Guard
from tests.support.asgi import Answer, request
from tests.support.routes import People, Reads, app_of, bearer, service

MODIFIED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
STAMP = "Fri, 20 Nov 2026 08:30:00 GMT"
READERS = {
    "sensor": service("SENSOR_SERVICE"),
    "scanner": service("SCANNER_SERVICE"),
    "both": service("SCANNER_V4_SERVICE"),
    "indexer": service("SCANNER_V4_INDEXER_SERVICE"),
    "matcher": service("SCANNER_V4_MATCHER_SERVICE"),
    "auditor": Identity(uid="a", grants=Reads("Administration", within=EVERYTHING)),
}
OTHERS = {
    "collector": service("COLLECTOR_SERVICE"),
    "database": service("SCANNER_V4_DB_SERVICE"),
    "developer": Identity(uid="d", grants=Reads("Image", within=Scope(clusters=frozenset({"c"})))),
}


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    directory = tmp_path / "bundled"
    directory.mkdir()
    for name, text in (("vulnerabilities.zip", "0123456789"), ("repository-to-cpe.json", '{"data":{}}')):
        (directory / name).write_text(text)
        os.utime(directory / name, (MODIFIED.timestamp(), MODIFIED.timestamp()))
    return directory


@pytest.fixture
def app(bundled: Path) -> FastAPI:
    definitions = Definitions(uploads=bundled / "uploads", bundled=bundled)
    guard = Guard(authenticator=People(**READERS, **OTHERS))
    return app_of(definitions_router(definitions, guard))


async def get(app: FastAPI, query: str, word: str = "matcher", **headers: str) -> Answer:
    return await request(app, "GET", f"{PATH}?{query}", headers={**dict(bearer(word)), **headers})


@pytest.mark.parametrize("word", ["admin", *READERS])
async def test_fetch_serves_scanners_sensors_and_auditors(app: FastAPI, word: str) -> None:
    answer = await get(app, "version=dev", word)
    assert (answer.status, answer.body) == (200, b"0123456789")
    assert answer.headers["last-modified"] == STAMP


@pytest.mark.parametrize(
    ("word", "status"), [("", 403), ("collector", 403), ("database", 403), ("developer", 403), ("bad", 401)]
)
async def test_fetch_refuses_others(app: FastAPI, word: str, status: int) -> None:
    answer = await get(app, "version=dev", word)
    assert answer.status == status
    assert b"0123" not in answer.body


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("version=4.11", 200, "0123456789"),
        ("file=repo2cpe", 200, '{"data":{}}'),
        ("file=name2repos", 404, "No scanner definitions found\n"),
        ("uuid=0", 404, "definitions of the StackRox Scanner, which this Central does not have: not found\n"),
        (
            "uuid=0&file=x",
            404,
            "definitions of the StackRox Scanner, which this Central does not have: not found\n",
        ),
        ("", 400, "exactly one of"),
        ("version=", 400, "exactly one of"),
        ("file=vulnerabilities.zip", 400, "exactly one of"),
        ("file=../secret", 400, "exactly one of"),
        ("version=4.11&file=repo2cpe", 400, "exactly one of"),
        ("version=4.11&uuid=0", 400, "exactly one of"),
        ("version=4.11&uuid=0&file=repo2cpe", 400, "exactly one of"),
    ],
)
async def test_fetch_by_query(app: FastAPI, query: str, status: int, text: str) -> None:
    answer = await get(app, query)
    assert answer.status == status
    assert answer.body.decode().startswith(text)


@pytest.mark.parametrize(
    ("since", "status"),
    [
        (STAMP, 304),
        ("Fri, 20 Nov 2026 08:30:01 GMT", 304),
        ("Fri, 20 Nov 2026 09:30:00 +0100", 304),
        ("Fri, 20 Nov 2026 08:29:59 GMT", 200),
        ("Fri, 20 Nov 2026 08:30:00 +0100", 200),
        ("yesterday", 200),
        ("Fri, 20 Nov 99999 08:30:00 GMT", 200),
        ("Fri, 20 Nov 2026 08:30:00 +99999999999999", 200),
        ("", 200),
    ],
)
async def test_fetch_if_modified_since(app: FastAPI, since: str, status: int) -> None:
    answer = await get(app, "version=dev", **{"if-modified-since": since})
    assert answer.status == status
    assert answer.headers["last-modified"] == STAMP
    assert answer.body == (b"" if status == 304 else b"0123456789")


async def test_fetch_of_a_part_goes_on_where_a_scanner_stopped(app: FastAPI) -> None:
    whole = await get(app, "version=dev")
    part = await get(app, "version=dev", range="bytes=4-", **{"if-range": whole.headers["etag"]})
    assert (part.status, part.body) == (206, b"456789")
    changed = await get(app, "version=dev", range="bytes=4-", **{"if-range": '"other"'})
    assert (changed.status, changed.body) == (200, b"0123456789")


def offline_bundle(**files: bytes) -> bytes:
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        for name, data in files.items():
            archive.writestr(
                name.replace("_", "-") + (".zip" if name == "vulnerabilities" else ".json"), data
            )
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("scanner-defs.zip", b"old scanner")
        archive.writestr("v4-definitions-4.11.zip", inner.getvalue())
    return outer.getvalue()


async def test_upload_is_served_from_then_on(app: FastAPI) -> None:
    body = offline_bundle(vulnerabilities=b"newer", container_name_repos_map=b"{}")
    answer = await request(app, "POST", PATH, body=[body[:100], body[100:], b""], headers=bearer("admin"))
    assert answer.status == 200
    assert answer.body.decode() == (
        "Successfully stored the offline vulnerability definitions: "
        "container-name-repos-map.json, vulnerabilities.zip\n"
    )
    assert (await get(app, "version=dev")).body == b"newer"
    assert (await get(app, "file=name2repos")).body == b"{}"
    assert (await get(app, "file=repo2cpe")).body == b'{"data":{}}'


@pytest.mark.parametrize(
    ("word", "status"), [("", 401), ("auditor", 403), ("matcher", 401), ("sensor", 401), ("developer", 403)]
)
async def test_upload_needs_the_right_to_write_before_anything_is_read(
    app: FastAPI, bundled: Path, word: str, status: int
) -> None:
    answer = await request(app, "POST", PATH, body=offline_bundle(), headers=bearer(word))
    assert answer.status == status
    assert not (bundled / "uploads").exists()


@pytest.mark.parametrize("body", [b"", b"no zip", offline_bundle()[:40]], ids=["nothing", "text", "cut"])
async def test_upload_of_something_else_is_refused_and_leaves_nothing(
    app: FastAPI, bundled: Path, body: bytes
) -> None:
    answer = await request(app, "POST", PATH, body=body, headers=bearer("admin"))
    assert answer.status == 400
    assert b"the upload is no zip file" in answer.body
    assert list((bundled / "uploads").iterdir()) == []
