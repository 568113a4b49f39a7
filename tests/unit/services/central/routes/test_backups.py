"""The routes of backups and restores: who may, queries, answers, what is sent to whom."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI

from pyrox.errors import Unavailable, Unimplemented
from pyrox.rpc.call import Identity
from pyrox.rpc.scope import EVERYTHING
from services.central.access.resources import RESOURCES
from services.central.routes.backups import backups_router
from services.central.routes.guard import Guard
from tests.support.asgi import Answer, request, scope_of
from tests.support.callers import May
from tests.support.routes import People, Reads, app_of, bearer
from tests.unit.services.central.backups.test_process import DATA, Target, header
from tests.unit.services.central.backups.test_restores import Choice, running

PEOPLE = {
    "auditor": Identity(uid="a", grants=Reads("Administration", within=EVERYTHING)),
    "reader": Identity(uid="r", grants=May(EVERYTHING, read=tuple(RESOURCES))),
    "writer": Identity(uid="w", name="wanda", grants=May(EVERYTHING, write=tuple(RESOURCES))),
}
PROCESS = "11111111-0000-4000-8000-000000000001"
ATTEMPT = "11111111-0000-4000-8000-000000000002"
HEADER = header().SerializeToString()


class Parts:
    """Backups made of words."""

    def __init__(self, problem: Exception | None = None, *, late: bool = False) -> None:
        self.problem = problem
        self.late = late
        self.asked: list[tuple[bool, str]] = []
        self.closed = 0

    def file_name(self) -> str:
        return "postgres_db_2026_11_24_09_00_00.sql.zip"

    async def database(self, *, keys: bool, by: Identity) -> AsyncGenerator[bytes, None]:
        self.asked.append((keys, by.uid))
        if self.problem is not None and not self.late:
            raise self.problem
        try:
            yield b"one"
            if self.problem is not None:
                raise self.problem
            yield b"two"
        finally:
            self.closed += 1

    async def keys(self) -> AsyncGenerator[bytes, None]:
        yield b"keys"


def app(backups: Parts, restores: object = None) -> FastAPI:
    guard = Guard(authenticator=People(**PEOPLE))
    return app_of(backups_router(backups, restores, guard))  # type: ignore[arg-type]  # made of words


@pytest.mark.parametrize(
    ("path", "may", "may_not", "content"),
    [
        ("/db/backup", ("admin", "reader", "writer"), ("auditor",), b"onetwo"),
        ("/api/extensions/backup", ("admin",), ("auditor", "reader", "writer"), b"onetwo"),
        ("/api/extensions/certs/backup", ("admin", "reader", "writer", "auditor"), (), b"keys"),
    ],
)
async def test_download_is_for_those_who_may(
    path: str, may: tuple[str, ...], may_not: tuple[str, ...], content: bytes
) -> None:
    made = app(Parts())
    for word in may:
        answer = await request(made, "GET", path, headers=bearer(word))
        assert (answer.status, answer.body) == (200, content), word
        assert answer.headers["content-type"] == "application/zip"
        name = 'attachment; filename="postgres_db_2026_11_24_09_00_00.sql.zip"'
        assert answer.headers["content-disposition"] == name
    for word in may_not:
        answer = await request(made, "GET", path, headers=bearer(word))
        assert (answer.status, answer.body[:15]) == (403, b"not authorized:"), word
    assert (await request(made, "GET", path)).status == 401


async def test_download_says_whether_keys_are_wanted_and_by_whom() -> None:
    backups = Parts()
    for path in ("/db/backup", "/api/extensions/backup"):
        await request(app(backups), "GET", path, headers=bearer("admin"))
    assert backups.asked == [(False, "admin"), (True, "admin")]
    assert backups.closed == 2


async def test_backup_that_cannot_begin_is_an_answer() -> None:
    answer = await request(
        app(Parts(Unimplemented("install it"))), "GET", "/db/backup", headers=bearer("admin")
    )
    assert (answer.status, answer.body) == (501, b"could not create database backup: install it\n")


async def test_backup_that_fails_later_breaks_the_download_off() -> None:
    backups = Parts(Unavailable("gone"), late=True)
    # The server closes the connection then; the client misses the end of the last chunk.
    with pytest.raises(RuntimeError, match="response already started") as caught:
        await request(app(backups), "GET", "/db/backup", headers=bearer("admin"))
    assert isinstance(caught.value.__cause__, Unavailable)
    assert backups.closed == 1


async def restore(made: FastAPI, body: bytes, word: str = "writer", **query: str) -> Answer:
    target = f"/db/v2/restore?{urlencode(query)}"
    # Pieces that cut the header and the files anywhere.
    parts = [body[start : start + 7] for start in range(0, len(body), 7)]
    return await request(made, "POST", target, body=parts, headers=bearer(word))


async def test_restore_takes_header_and_data_and_answers_with_nothing() -> None:
    target = Target()
    async with running(Choice(target)) as (restores, _, __):
        made = app(Parts(), restores)
        answer = await restore(made, HEADER + DATA, headerLength=str(len(HEADER)), id=PROCESS)
        assert (answer.status, answer.body) == (200, b"")
        assert restores.active is not None
        assert (restores.active.id, restores.active.metadata.initiating_user_name) == (PROCESS, "wanda")
    assert target.dump == b"dump" * 10


async def test_restore_without_an_id_gets_one() -> None:
    async with running(Choice(Target())) as (restores, _, __):
        made = app(Parts(), restores)
        assert (await restore(made, HEADER + DATA, headerLength=str(len(HEADER)))).status == 200
        assert restores.active is not None
        assert len(restores.active.id) == 36


@pytest.mark.parametrize(
    ("query", "body", "message"),
    [
        ({}, b"", 'invalid header length ""'),
        ({"headerLength": "-1"}, b"", 'invalid header length "-1"'),
        ({"headerLength": "99999999999"}, b"", 'invalid header length "99999999999"'),
        ({"headerLength": "1" * 50}, b"", "invalid header length"),
        ({"headerLength": "1", "id": "x"}, b"", 'ID must be unset or a valid UUID (got: "x")'),
        ({"headerLength": "9"}, b"short", "could not read request header (9 bytes): unexpected EOF"),
        ({"headerLength": "4"}, b"\xff\xff\xff\xff", "could not parse restore request header"),
        ({"headerLength": "0"}, b"", 'Could not create a restore process: invalid DB restore format ""'),
    ],
)
async def test_restore_that_is_none_is_refused(query: dict[str, str], body: bytes, message: str) -> None:
    async with running(Choice(Target())) as (restores, _, __):
        answer = await restore(app(Parts(), restores), body, **query)
        assert answer.status == 400
        assert message in answer.json["message"]
        assert restores.active is None


async def test_failed_restore_says_why_in_json() -> None:
    async with running(Choice(Target(fails="size"))) as (restores, _, __):
        made = app(Parts(), restores)
        answer = await restore(made, HEADER + DATA, headerLength=str(len(HEADER)), id=PROCESS)
    message = "database restore failed: error processing file postgres.size: no size"
    assert (answer.status, answer.json) == (400, {"code": 9, "message": message})


@pytest.mark.parametrize("word", ["reader", "auditor", "nobody"])
@pytest.mark.parametrize("path", ["/db/v2/restore", "/db/v2/resumerestore"])
async def test_restore_is_for_those_who_may_write_everything(path: str, word: str) -> None:
    answer = await request(app(Parts()), "POST", path, headers=bearer(word))
    assert answer.status == (401 if word == "nobody" else 403)


@pytest.mark.parametrize("path", ["/db/v2/restore", "/db/v2/resumerestore"])
async def test_only_post_restores(path: str) -> None:
    answer = await request(app(Parts()), "PUT", path, headers=bearer("admin"))
    assert answer.status == 405
    assert answer.json["message"] == "Only POST requests are allowed"


RESUME = {"id": PROCESS, "attemptId": ATTEMPT, "pos": "23", "crc32": f"{zlib.crc32(DATA[:23]):x}"}


async def leaving(made: FastAPI, target: str, body: bytes) -> int:
    """The status for a client that goes away in the middle of its body."""
    events: list[dict[str, Any]] = [
        {"type": "http.request", "body": body, "more_body": True},
        {"type": "http.disconnect"},
    ]
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    async def send(event: Any) -> None:
        statuses.extend([event["status"]] if "status" in event else [])

    await made(scope_of("http", "POST", target, bearer("writer"), None), receive, send)
    return statuses[0]


async def test_client_that_leaves_can_go_on_later() -> None:
    target = Target()
    async with running(Choice(target)) as (restores, _, __):
        made = app(Parts(), restores)
        first = f"/db/v2/restore?{urlencode({'headerLength': str(len(HEADER)), 'id': PROCESS})}"
        assert await leaving(made, first, HEADER + DATA[:23]) == 499
        assert restores.active is not None
        assert restores.active.status().resume_info.pos == 23
        again = f"/db/v2/resumerestore?{urlencode(RESUME)}"
        answer = await request(made, "POST", again, body=DATA[23:], headers=bearer("writer"))
        assert (answer.status, answer.body) == (200, b"")
    assert target.dump == b"dump" * 10


async def test_client_that_sends_its_request_again_goes_on_as_well() -> None:
    target = Target()
    async with running(Choice(target)) as (restores, _, __):
        made = app(Parts(), restores)
        query = {"headerLength": str(len(HEADER)), "id": PROCESS}
        assert await leaving(made, f"/db/v2/restore?{urlencode(query)}", HEADER + DATA[:23]) == 499
        assert (await restore(made, HEADER + DATA, **query)).status == 200
    assert target.dump == b"dump" * 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": ""}, "need to specify a restore process ID for resuming"),
        ({"attemptId": "x"}, 'invalid attempt ID "x"'),
        ({"pos": "-3"}, 'invalid position specification "-3"'),
        ({"pos": "9" * 19}, "invalid position specification"),
        ({"crc32": "xyz"}, 'invalid CRC32 value "xyz"'),
        ({"crc32": "123456789"}, 'invalid CRC32 value "123456789"'),
        ({}, f"specified process ID {PROCESS} does not match ID of currently active restore process"),
    ],
)
async def test_resumption_that_is_none_is_refused(change: dict[str, str], message: str) -> None:
    async with running(Choice(Target())) as (restores, _, __):
        target = f"/db/v2/resumerestore?{urlencode({**RESUME, **change})}"
        answer = await request(app(Parts(), restores), "POST", target, headers=bearer("writer"))
    assert answer.status == 400
    assert message in answer.json["message"]
