"""`/api/extensions/scannerdefinitions`: who may, which file, dates, parts, uploads."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI

from pyrox.rpc.call import Identity
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.definitions.bundle import Release
from services.central.definitions.files import Definitions
from services.central.definitions.store import UploadInProgress
from services.central.routes.definitions import PATH, definitions_router
from services.central.routes.guard import Guard
from tests.support.asgi import Answer, request
from tests.support.bundles import MemoryBlobs, offline_bundle
from tests.support.routes import People, Reads, app_of, bearer, service

MODIFIED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
NOTHING = "No scanner definitions found"
UNCLEAR = "at least one of file or uuid must be specified"
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
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def app(bundled: Path, blobs: MemoryBlobs) -> FastAPI:
    definitions = Definitions(
        blobs=blobs, directory=bundled / "uploads", bundled=bundled, release=Release("4.11.0")
    )
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
        ("file=name2repos", 404, NOTHING),
        ("uuid=0", 404, NOTHING),
        ("uuid=0&file=x", 404, NOTHING),
        ("uuid=0&version=4.11", 404, NOTHING),
        ("file=vulnerabilities.zip", 404, NOTHING),
        ("file=../secret", 404, NOTHING),
        ("", 400, UNCLEAR),
        ("version=", 400, UNCLEAR),
        ("version=4.11&file=repo2cpe", 400, UNCLEAR),
    ],
)
async def test_fetch_by_query(app: FastAPI, query: str, status: int, text: str) -> None:
    answer = await get(app, query)
    assert answer.status == status
    assert answer.body.decode() == text


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


async def test_upload_is_served_from_then_on(app: FastAPI) -> None:
    body = offline_bundle({"vulnerabilities.zip": b"newer", "container-name-repos-map.json": b"{}"})
    answer = await request(app, "POST", PATH, body=[body[:100], body[100:], b""], headers=bearer("admin"))
    assert (answer.status, answer.body) == (200, b"Successfully stored scanner vulnerability definitions")
    assert (await get(app, "version=v3")).body == b"newer"
    assert (await get(app, "file=name2repos")).body == b"{}"
    # What the upload does not hold is what the installation brought.
    assert (await get(app, "file=repo2cpe")).body == b'{"data":{}}'
    assert (await get(app, "version=v2")).body == b"0123456789"
    assert (await get(app, "uuid=0&file=genesis")).body == b"old"
    whole = await get(app, "uuid=0")
    assert (whole.headers["content-type"], whole.body[:4]) == ("application/zip", b"PK\x03\x04")
    assert whole.headers["last-modified"] == STAMP


async def test_mapping_is_compressed_when_the_scanner_takes_that(app: FastAPI) -> None:
    plain = await get(app, "file=repo2cpe")
    packed = await get(app, "file=repo2cpe", **{"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.raw != packed.body == plain.body
    assert packed.headers["content-type"] == plain.headers["content-type"] == "application/json"
    assert packed.headers["last-modified"] == STAMP
    # A bundle is compressed already.
    assert "content-encoding" not in (await get(app, "version=v3", **{"accept-encoding": "gzip"})).headers


@pytest.mark.parametrize(
    ("word", "status"), [("", 401), ("auditor", 403), ("matcher", 401), ("sensor", 401), ("developer", 403)]
)
async def test_upload_needs_the_right_to_write_before_anything_is_read(
    app: FastAPI, bundled: Path, word: str, status: int
) -> None:
    answer = await request(app, "POST", PATH, body=offline_bundle({}), headers=bearer(word))
    assert answer.status == status
    assert not (bundled / "uploads").exists()


@pytest.mark.parametrize("body", [b"", b"no zip", offline_bundle({})[:40]], ids=["nothing", "text", "cut"])
async def test_upload_of_something_else_is_refused_as_json_and_leaves_nothing(
    app: FastAPI, bundled: Path, body: bytes
) -> None:
    answer = await request(app, "POST", PATH, body=body, headers=bearer("admin"))
    assert (answer.status, answer.json["code"]) == (400, 3)
    assert answer.json["message"].startswith("failed to open offline zip: ")
    assert list((bundled / "uploads").iterdir()) == []


async def test_upload_beside_another_is_aborted(app: FastAPI, blobs: MemoryBlobs) -> None:
    async def busy(_: object) -> None:
        raise UploadInProgress

    blobs.replace = busy  # type: ignore[method-assign,assignment]  # another replica has the lock
    answer = await request(app, "POST", PATH, body=offline_bundle({}), headers=bearer("admin"))
    assert (answer.status, answer.json) == (
        409,
        {"code": 10, "message": "scanner definitions upload already in progress"},
    )
