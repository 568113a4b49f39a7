"""Backups down, restores up: what `roxctl central backup` and `db restore` speak.

Paths, queries and messages are upstream's (`central/globaldb`). It must not know how a
backup is made or restored.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from google.protobuf.message import DecodeError
from starlette.requests import ClientDisconnect

from pyrox.errors import Invalid, RoxError
from pyrox.pb.api.v1.db_service_pb2 import DBRestoreRequestHeader
from pyrox.policy.quoting import quote
from pyrox.rpc.authz import ADMIN, Permissions
from pyrox.rpc.errors import status_of
from services.central.backups.export import Backups
from services.central.backups.permissions import READ_ALL, WRITE_ALL
from services.central.backups.process import Disconnected, RestoreProcess
from services.central.backups.restores import Restores
from services.central.routes.answers import EVERY_METHOD, json_error, json_refusal, text_error
from services.central.routes.guard import Guard

_CERTIFICATES = Permissions(read=("Administration",))
# A manifest names at most eight files.
_HEADER_BYTES = 1 << 20
_LARGEST_POSITION = 2**63 - 1
_NUMBER = re.compile(r"\d{1,19}", re.ASCII)
_CHECKSUM = re.compile(r"[0-9a-fA-F]{1,8}", re.ASCII)
_METHOD_NOT_ALLOWED = 405
# nginx's number for a client that has gone; nobody reads it.
_GONE = 499


def backups_router(backups: Backups, restores: Restores, guard: Guard) -> APIRouter:
    """Three downloads and two uploads."""
    router = APIRouter()

    @router.get("/db/backup")
    async def database(request: Request) -> Response:
        call = await guard.check(request, READ_ALL)
        return await _download(backups.file_name(), backups.database(keys=False, by=call.identity))

    @router.get("/api/extensions/backup")
    async def everything(request: Request) -> Response:
        call = await guard.check(request, ADMIN)
        return await _download(backups.file_name(), backups.database(keys=True, by=call.identity))

    @router.get("/api/extensions/certs/backup")
    async def certificates(request: Request) -> Response:
        await guard.check(request, _CERTIFICATES)
        return await _download(backups.file_name(), backups.keys())

    async def restore(request: Request) -> Response:
        call = await guard.check(request, WRITE_ALL)
        return await _answered(request, lambda: _restore(request, call.identity.name, restores))

    async def resume(request: Request) -> Response:
        await guard.check(request, WRITE_ALL)
        return await _answered(request, lambda: _resume(request, restores))

    router.add_api_route("/db/v2/restore", restore, methods=list(EVERY_METHOD))
    router.add_api_route("/db/v2/resumerestore", resume, methods=list(EVERY_METHOD))
    return router


async def _download(name: str, content: AsyncGenerator[bytes, None]) -> Response:
    """The stream, or an answer that says why there is none."""
    try:
        first = await anext(content)
    except RoxError as error:
        status = status_of(error)
        return text_error(status.http, f"could not create database backup: {status.message}")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_after(first, content), media_type="application/zip", headers=headers)


async def _after(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield first
        async for part in rest:
            yield part


async def _answered(request: Request, work: Callable[[], Awaitable[None]]) -> Response:
    if request.method != "POST":
        return json_error(_METHOD_NOT_ALLOWED, "Only POST requests are allowed")
    try:
        await work()
    except RoxError as error:
        return json_refusal(error)
    except Disconnected:
        return Response(status_code=_GONE)
    return Response(status_code=200)


async def _restore(request: Request, user: str, restores: Restores) -> None:
    """Begin a restore and wait for its end."""
    query = request.query_params
    length = query.get("headerLength", "")
    if not _NUMBER.fullmatch(length) or int(length) > _HEADER_BYTES:
        raise Invalid.of(
            f"invalid header length {quote(length[:80])}: expected a number up to {_HEADER_BYTES}"
        )
    process_id = query.get("id", "") or str(uuid4())
    if not _is_uuid(process_id):
        raise Invalid(f"ID must be unset or a valid UUID (got: {quote(process_id[:80])})")
    body = _body(request)
    raw, rest = await _split(body, int(length))
    try:
        header = DBRestoreRequestHeader.FromString(raw)
    except DecodeError as error:
        raise Invalid.of("could not parse restore request header") from error
    data = _after(rest, body)
    if restores.active is not None and restores.active.id == process_id:
        await _whole(restores.active.again(header, data))
        return
    with _saying("Could not create a restore process"):
        process = await restores.launch(process_id, header, user)
    await _whole(process.begin(data))


async def _resume(request: Request, restores: Restores) -> None:
    """Go on with a restore and wait for its end."""
    query = request.query_params
    process_id, attempt_id = query.get("id", ""), query.get("attemptId", "")
    position, checksum = query.get("pos", ""), query.get("crc32", "")
    if not process_id:
        raise Invalid("need to specify a restore process ID for resuming")
    if not _is_uuid(attempt_id):
        raise Invalid.of(f"invalid attempt ID {quote(attempt_id[:80])}: expected a UUID")
    if not _NUMBER.fullmatch(position) or int(position) > _LARGEST_POSITION:
        raise Invalid.of(f"invalid position specification {quote(position[:80])}: expected a number")
    if not _CHECKSUM.fullmatch(checksum):
        raise Invalid.of(f"invalid CRC32 value {quote(checksum[:80])}: expected a hexadecimal number")
    active: RestoreProcess | None = restores.active
    if active is None or active.id != process_id:
        raise Invalid(
            f"specified process ID {process_id[:80]} does not match ID of currently active restore process"
        )
    await _whole(active.resume(attempt_id, int(position), int(checksum, 16), _body(request)))


class _saying:  # noqa: N801 - a context manager reads like a verb
    """Puts what was being done in front of an error; its class stays."""

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, RoxError):
            raise type(error)(f"{self._doing}: {error.message}") from error


async def _whole(sending: Awaitable[None]) -> None:
    with _saying("database restore failed"):
        await sending


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def _body(request: Request) -> AsyncGenerator[bytes, None]:
    """The request's bytes. Raises `Disconnected` when the client goes away before their end."""
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as error:
        raise Disconnected from error


async def _split(body: AsyncIterator[bytes], size: int) -> tuple[bytes, bytes]:
    """The first bytes, and what came with them. Raises `Invalid` when the body is shorter."""
    read = bytearray()
    while len(read) < size:
        try:
            read += await anext(body)
        except StopAsyncIteration as end:
            raise Invalid.of(f"could not read request header ({size} bytes): unexpected EOF") from end
    return bytes(read[:size]), bytes(read[size:])
