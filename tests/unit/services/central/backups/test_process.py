"""One restore: its states, its attempts, its end."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime

import pytest

from pyrox.errors import Unavailable
from pyrox.pb.api.v1 import db_service_pb2 as pb
from services.central.backups.contents import Contents
from services.central.backups.errors import Refused
from services.central.backups.process import Disconnected, RestoreProcess

WHEN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FILES = {"migration_version.yaml": b"version", "postgres.size": b"12", "postgres.dump": b"dump" * 10}
DATA = b"".join(FILES.values())
State = pb.DBRestoreProcessStatus


class Target:
    """Keeps what it is given; fails where it is told to."""

    def __init__(self, *, fails: str = "") -> None:
        self.fails = fails
        self.seen: list[str] = []
        self.dump = b""

    def _do(self, what: str) -> None:
        self.seen.append(what)
        if what == self.fails:
            raise Refused(f"no {what}")

    def check_version(self, content: bytes) -> None:
        assert content == FILES["migration_version.yaml"]
        self._do("version")

    async def check_size(self, content: bytes) -> None:
        assert content == FILES["postgres.size"]
        self._do("size")

    async def load(self, dump: Contents) -> None:
        async for chunk in dump.chunks():
            self.dump += chunk
        self._do("load")

    async def finish(self) -> None:
        self._do("finish")

    async def abandon(self) -> None:
        self.seen.append("abandon")


def header() -> pb.DBRestoreRequestHeader:
    made = pb.DBRestoreRequestHeader(format_name="postgresv1")
    for name, content in FILES.items():
        made.manifest.files.add(
            name=name,
            encoding=pb.DBExportManifest.UNCOMPREESSED,
            encoded_size=len(content),
            decoded_size=len(content),
            decoded_crc32=zlib.crc32(content),
        )
    return made


class Body:
    """A body that comes in pieces of five bytes, and then ends, stops or breaks."""

    def __init__(self, data: bytes, *, then: str = "end") -> None:
        self.data = data
        self.then = then

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.data), 5):
            yield self.data[start : start + 5]
        if self.then == "stop":
            await asyncio.Event().wait()
        if self.then == "break":
            raise Disconnected


async def pieces(data: bytes) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(data), 7):
        yield data[start : start + 7]


def started(target: Target) -> tuple[RestoreProcess, asyncio.Task[None]]:
    process = RestoreProcess(process_id="p1", header=header(), target=target, user="admin", started=WHEN)
    return process, asyncio.create_task(process.run())


async def arrived(process: RestoreProcess, count: int) -> None:
    async with asyncio.timeout(5):
        while process.status().bytes_read < count:  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0)
    # The last chunk is taken in the next turns of the loop.
    for _ in range(10):
        await asyncio.sleep(0)


async def test_restore_reads_the_files_in_order_and_finishes() -> None:
    target = Target()
    process, running = started(target)
    assert process.status().state == State.PAUSED
    await process.begin(aiter(Body(DATA)))
    await running
    assert target.seen == ["version", "size", "load", "finish"]
    assert target.dump == FILES["postgres.dump"]
    found = process.status()
    assert (found.state, found.error, found.bytes_read, found.files_processed) == (
        State.COMPLETED,
        "",
        len(DATA),
        3,
    )
    assert (found.metadata.id, found.metadata.initiating_user_name) == ("p1", "admin")
    assert found.metadata.start_time.ToDatetime(UTC) == WHEN


@pytest.mark.parametrize(
    ("fails", "message"),
    [
        ("version", "error processing file migration_version.yaml: no version"),
        ("size", "error processing file postgres.size: no size"),
        ("load", "error processing file postgres.dump: no load"),
        ("finish", "no finish"),
    ],
)
async def test_failure_at_any_step_undoes_everything(fails: str, message: str) -> None:
    target = Target(fails=fails)
    process, running = started(target)
    with pytest.raises(Refused) as caught:
        await process.begin(aiter(Body(DATA, then="stop")))
    await running
    assert caught.value.message == message
    assert target.seen[-2:] == [fails, "abandon"]
    assert (process.status().state, process.status().error) == (State.COMPLETED, message)


async def test_connection_that_breaks_pauses_the_restore_until_it_is_resumed() -> None:
    target = Target()
    process, running = started(target)
    with pytest.raises(Disconnected):
        await process.begin(aiter(Body(DATA[:23], then="break")))
    paused = process.status()
    assert (paused.state, paused.resume_info.pos, paused.attempt_id) == (State.PAUSED, 23, "")
    assert not running.done()
    await process.resume("a2", 23, zlib.crc32(DATA[:23]), aiter(Body(DATA[23:])))
    await running
    assert target.dump == FILES["postgres.dump"]
    assert process.failure is None


@pytest.mark.parametrize(
    ("position", "checksum", "message"),
    [
        (22, zlib.crc32(DATA[:22]), "position mismatch when trying to attach reader: 23 != 22"),
        (23, 1, "checksum validation failed when trying to attach reader"),
    ],
)
async def test_resuming_with_another_backup_is_refused_and_harmless(
    position: int, checksum: int, message: str
) -> None:
    process, running = started(Target())
    with pytest.raises(Disconnected):
        await process.begin(aiter(Body(DATA[:23], then="break")))
    with pytest.raises(Refused, match=f"could not resume restore process: {message}"):
        await process.resume("a2", position, checksum, aiter(Body(DATA[23:])))
    assert process.status().state == State.PAUSED
    await process.cancel()
    await running


async def test_repeated_request_goes_on_after_what_was_accepted() -> None:
    target = Target()
    process, running = started(target)
    with pytest.raises(Disconnected):
        await process.begin(aiter(Body(DATA[:23], then="break")))
    await process.again(header(), pieces(DATA))
    await running
    assert target.dump == FILES["postgres.dump"]
    assert process.status().bytes_read == len(DATA)


async def test_repeated_request_ends_the_attempt_that_hangs() -> None:
    target = Target()
    process, running = started(target)
    hanging = asyncio.create_task(process.begin(aiter(Body(DATA[:20], then="stop"))))
    await arrived(process, 20)
    await process.again(header(), pieces(DATA))
    with pytest.raises(Refused, match="attempt canceled"):
        await hanging
    await running
    assert target.dump == FILES["postgres.dump"]


@pytest.mark.parametrize(
    ("changed", "data", "message"),
    [
        (True, DATA, "the restore process of this ID is of another backup"),
        (False, DATA[:9], "unexpected EOF before the position to go on from"),
        (False, b"x" * len(DATA), "checksum validation failed when trying to attach reader"),
    ],
)
async def test_repeated_request_of_another_backup_is_refused(
    changed: bool, data: bytes, message: str
) -> None:
    process, running = started(Target())
    with pytest.raises(Disconnected):
        await process.begin(aiter(Body(DATA[:23], then="break")))
    other = header()
    other.local_file.path = "other.zip" if changed else ""
    with pytest.raises(Refused, match=message):
        await process.again(other if changed else header(), pieces(data))
    assert process.status().resume_info.pos == 23
    await process.cancel()
    await running


async def test_body_that_ends_too_early_fails_the_restore() -> None:
    target = Target()
    process, running = started(target)
    with pytest.raises(Refused, match=r"error processing file postgres\.dump: unexpected EOF"):
        await process.begin(aiter(Body(DATA[:-3])))
    await running
    assert target.seen[-1] == "abandon"


async def test_interrupted_attempt_says_so_and_gives_its_position() -> None:
    process, running = started(Target())
    attempt = asyncio.create_task(process.begin(aiter(Body(DATA[:20], then="stop"))))
    await arrived(process, 20)
    assert (process.status().state, process.status().attempt_id) == (State.IN_PROGRESS, "p1")
    with pytest.raises(Refused, match='provided attempt ID "other" does not match ID p1 of current attempt'):
        await process.interrupt("other")
    with pytest.raises(Refused, match="restore process is not currently available for resuming"):
        await process.resume("a2", 20, zlib.crc32(DATA[:20]), aiter(Body(b"")))
    assert await process.interrupt("p1") == 20
    with pytest.raises(Refused, match="attempt canceled"):
        await attempt
    # A second time it is paused already, whoever asks.
    assert await process.interrupt("whoever") == 20
    await process.cancel()
    await running


async def test_cancelled_restore_is_undone_and_tells_its_sender() -> None:
    target = Target()
    process, running = started(target)
    attempt = asyncio.create_task(process.begin(aiter(Body(DATA[:20], then="stop"))))
    await arrived(process, 20)
    await process.cancel()
    with pytest.raises(Refused, match="restore canceled"):
        await attempt
    await running
    assert target.seen[-1] == "abandon"
    assert process.status().error == "restore canceled"


async def test_restore_that_has_everything_cannot_be_interrupted() -> None:
    class Slow(Target):
        async def finish(self) -> None:
            await asyncio.Event().wait()

    process, running = started(Slow())
    attempt = asyncio.create_task(process.begin(aiter(Body(DATA))))
    await arrived(process, len(DATA))
    with pytest.raises(Refused, match="the whole backup has been received"):
        await process.interrupt("p1")
    assert process.status().state == State.IN_PROGRESS
    await process.cancel()
    with pytest.raises(Refused, match="restore canceled"):
        await attempt
    await running


async def test_end_of_central_undoes_the_restore_and_goes_on_ending() -> None:
    target = Target()
    process, running = started(target)
    attempt = asyncio.create_task(process.begin(aiter(Body(DATA[:20], then="stop"))))
    await arrived(process, 20)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert target.seen[-1] == "abandon"
    with pytest.raises(Refused, match="restore canceled"):
        await attempt


async def test_failure_to_undo_does_not_hide_the_reason() -> None:
    class Stuck(Target):
        async def abandon(self) -> None:
            raise Unavailable("the database is away")

    process, running = started(Stuck(fails="load"))
    with pytest.raises(Refused, match="no load"):
        await process.begin(aiter(Body(DATA)))
    await running
    assert process.failure is not None
