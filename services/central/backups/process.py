"""One restore: its files, its attempts to send them, its state.

States and their transitions, as upstream's (`v2backuprestore/manager`)::

    IN_PROGRESS --connection broken or interrupted--> PAUSED
    PAUSED --resumed at the same position--> IN_PROGRESS
    either --all done, failed or cancelled--> COMPLETED

`restores.py` runs it as a task of its own, so that it outlives the connection that began
it; routes bring attempts. It must not know HTTP.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime

from pyrox import log
from pyrox.errors import RoxError
from pyrox.pb.api.v1 import db_service_pb2 as pb
from services.central.backups.contents import Contents
from services.central.backups.errors import Refused
from services.central.backups.formats import FILES, Use, checked
from services.central.backups.targets import Target
from services.central.backups.upload import Upload

_LOG = log.get(__name__)
_State = pb.DBRestoreProcessStatus


class Disconnected(Exception):
    """The sender of an attempt went away; raised by the body that an attempt is given."""


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part


class _Attempt:
    """One connection that sends the backup or the rest of it."""

    def __init__(self, attempt_id: str) -> None:
        self.id = attempt_id
        self.interrupted = asyncio.Event()
        self.detached = asyncio.Event()


class RestoreProcess:
    """One restore from its start to its end."""

    def __init__(
        self,
        *,
        process_id: str,
        header: pb.DBRestoreRequestHeader,
        target: Target,
        user: str,
        started: datetime,
    ) -> None:
        """Raises `Refused` when the header's manifest is no backup."""
        self.files = checked(header)
        self.metadata = pb.DBRestoreProcessMetadata(id=process_id, header=header, initiating_user_name=user)
        self.metadata.start_time.FromDatetime(started)
        self._target = target
        self._upload = Upload()
        self._attempt: _Attempt | None = None
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        self._processed = 0
        self._finished = asyncio.Event()
        self._failure: RoxError | None = None

    @property
    def id(self) -> str:
        """Its id, which the client chose."""
        return self.metadata.id

    @property
    def failure(self) -> RoxError | None:
        """Why it failed, once it has."""
        return self._failure

    @property
    def _received(self) -> bool:
        """Whether everything has come in."""
        return self._upload.position >= sum(file.encoded_size for file in self.files)

    async def run(self) -> None:
        """Read the files and fill the target; the outcome is in `failure`."""
        self._task = asyncio.current_task()
        try:
            await self._process_files()
            await self._target.finish()
        except RoxError as error:
            await self._fail(error)
        except asyncio.CancelledError:
            await self._fail(Refused("restore canceled"))
            if not self._cancelled:
                raise
        finally:
            self._finished.set()

    async def _fail(self, error: RoxError) -> None:
        self._failure = error
        try:
            await self._target.abandon()
        except RoxError as left:
            _LOG.error("a failed restore left something behind", process=self.id, error=left.message)

    async def _process_files(self) -> None:
        for file in self.files:
            contents = Contents(file=file, upload=self._upload)
            try:
                await self._process(FILES[file.name].use, contents)
            except RoxError as error:
                # The same kind of error, so that the client learns whether to try again.
                raise type(error)(f"error processing file {file.name}: {error.message}") from error
            self._processed += 1

    async def _process(self, use: Use, contents: Contents) -> None:
        if use is Use.DUMP:
            await self._target.load(contents)
            return
        content = await contents.whole()
        if use is Use.VERSION:
            self._target.check_version(content)
        elif use is Use.SIZE:
            await self._target.check_size(content)

    async def begin(self, body: AsyncIterator[bytes]) -> None:
        """The first attempt; it carries the restore's own id, as upstream's client expects."""
        await self._send(_Attempt(self.id), body)

    async def resume(self, attempt_id: str, position: int, checksum: int, body: AsyncIterator[bytes]) -> None:
        """Go on at the position. Raises `Refused` when it is not the place where it stopped."""
        if self._attempt is not None or self._finished.is_set() or self._received:
            raise Refused("restore process is not currently available for resuming")
        try:
            self._upload.check(position, checksum)
        except Refused as error:
            raise Refused(f"could not resume restore process: {error.message}") from error
        await self._send(_Attempt(attempt_id), body)

    async def again(self, header: pb.DBRestoreRequestHeader, body: AsyncGenerator[bytes, None]) -> None:
        """The same request from its beginning, as HTTP clients repeat one whose connection broke.

        What was accepted before is skipped. Raises `Refused` when it is another backup.
        """
        if header != self.metadata.header:
            raise Refused("the restore process of this ID is of another backup")
        if self._attempt is not None and self._attempt.id == self.id:
            await self.interrupt(self.id)
        position = self._upload.position
        read, left, checksum = 0, b"", 0
        while read < position:
            try:
                chunk = await anext(body)
            except StopAsyncIteration as end:
                raise Refused("unexpected EOF before the position to go on from") from end
            skipped = chunk[: position - read]
            checksum = zlib.crc32(skipped, checksum)
            left, read = chunk[len(skipped) :], read + len(skipped)
        await self.resume(self.id, position, checksum, _joined(left, body))

    async def _send(self, attempt: _Attempt, body: AsyncIterator[bytes]) -> None:
        """Bring the body in and wait for the end of the restore.

        Raises what the restore failed with, `Refused` when the attempt was interrupted,
        and `Disconnected` when the sender went away.
        """
        self._attempt = attempt
        pump = asyncio.create_task(self._pump(body), name=f"restore attempt {attempt.id}")
        finished = asyncio.create_task(self._finished.wait())
        interrupted = asyncio.create_task(attempt.interrupted.wait())
        try:
            await asyncio.wait({pump, finished, interrupted}, return_when=asyncio.FIRST_COMPLETED)
            if pump.done() and pump.exception() is None:
                await asyncio.wait({finished, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pump, finished, interrupted):
                task.cancel()
            outcomes = await asyncio.gather(pump, finished, interrupted, return_exceptions=True)
            self._detach(attempt)
        if self._finished.is_set():
            if self._failure is not None:
                raise self._failure
            return
        if attempt.interrupted.is_set():
            raise Refused("attempt canceled")
        if isinstance(outcomes[0], BaseException):
            raise outcomes[0]

    def _detach(self, attempt: _Attempt) -> None:
        """Let another attempt follow; one that has sent everything stays to the end."""
        if self._attempt is attempt and not self._received:
            self._attempt = None
        attempt.detached.set()

    async def _pump(self, body: AsyncIterator[bytes]) -> None:
        async for chunk in body:
            if chunk:
                await self._upload.put(chunk)
        await self._upload.end()

    async def interrupt(self, attempt_id: str) -> int:
        """Break the attempt off; the position at which another can go on."""
        attempt = self._attempt
        if attempt is None and not self._finished.is_set() and not self._received:
            return self._upload.position
        if attempt is None or self._received or self._finished.is_set():
            raise Refused("the whole backup has been received; wait for the end of the restore, or cancel it")
        if attempt.id != attempt_id:
            raise Refused(
                f'provided attempt ID "{attempt_id}" does not match ID {attempt.id} of current attempt'
            )
        attempt.interrupted.set()
        await attempt.detached.wait()
        if self._attempt is not None:
            raise Refused("process was interrupted, but has already been resumed")
        return self._upload.position

    async def cancel(self) -> None:
        """End it and wait until nothing of it is left."""
        if self._task is not None and not self._finished.is_set():
            self._cancelled = True
            self._task.cancel()
        await self._finished.wait()

    def status(self) -> pb.DBRestoreProcessStatus:
        """What a client may know of it."""
        status = pb.DBRestoreProcessStatus(
            metadata=self.metadata, bytes_read=self._upload.position, files_processed=self._processed
        )
        if self._finished.is_set():
            status.state = _State.COMPLETED
            status.error = self._failure.message if self._failure is not None else ""
        elif self._attempt is None and not self._received:
            status.state = _State.PAUSED
            status.resume_info.pos = self._upload.position
        else:
            status.state = _State.IN_PROGRESS
            status.attempt_id = self._attempt.id if self._attempt is not None else ""
        return status
