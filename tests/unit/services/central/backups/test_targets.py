"""Where a dump goes: checks, a database of its own, in place, and what is left after a failure."""

from __future__ import annotations

import errno
import zlib
from pathlib import Path

import pytest

from pyrox.errors import Unavailable
from pyrox.pb.api.v1 import db_service_pb2 as pb
from services.central.backups import targets
from services.central.backups.contents import Contents
from services.central.backups.errors import Refused
from services.central.backups.load import Script
from services.central.backups.programs import Connection, Programs, Restorers
from services.central.backups.targets import InPlace, SeparateDatabase, Targets
from services.central.backups.upload import Upload

CONNECTION = Connection("host=h", "pw")
RESTORERS = Restorers(Path("/pg_restore"), Path("/psql"), 15)


class Databases:
    """Databases that only remember what was done to them."""

    active, restored, newest = "central_active", "central_restore", 3
    known = {1: "a"}  # noqa: RUF012 - nobody changes it

    def __init__(self, *, free: int | None = None, may_create: bool = True) -> None:
        self.free = free
        self.may = may_create
        self.done: list[str] = []

    async def server_major(self) -> int:
        return 15

    async def schema(self) -> str:
        return "public"

    async def may_create(self) -> bool:
        self.done.append("asked")
        return self.may

    async def free_bytes(self) -> int | None:
        return self.free

    async def create_restored(self) -> None:
        self.done.append("create")

    async def drop_restored(self) -> None:
        self.done.append("drop")

    async def check_restored(self, schema: str) -> None:
        self.done.append(f"check {schema}")

    async def analyze_restored(self) -> None:
        self.done.append("analyze")


class Loading:
    """A load that keeps what it is fed."""

    started: list[dict[str, object]]

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.fed = b""
        self.done: list[str] = []

    async def start(self, _: Restorers, environment: dict[str, str], **options: object) -> Loading:
        self.started = [{**options, "password": environment["PGPASSWORD"]}]
        source = options.get("source")
        if source is not None:
            self.fed = source.read()  # type: ignore[attr-defined]  # a file
        return self

    async def feed(self, data: bytes) -> None:
        self.fed += data

    async def finish(self, *, fed: bool = True) -> None:
        self.done.append(f"finish fed={fed}")
        if self.fails:
            raise Refused("Could not load the Postgres backup: no")

    async def abandon(self) -> None:
        self.done.append("abandon")


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch) -> Loading:
    made = Loading()
    monkeypatch.setattr(targets, "Load", made)
    return made


async def dump(content: bytes = b"dump" * 1000, *, size: int | None = None) -> Contents:
    upload = Upload()
    await upload.put(content)
    await upload.end()
    file = pb.DBExportManifest.File(
        name="postgres.dump",
        encoding=pb.DBExportManifest.UNCOMPREESSED,
        encoded_size=len(content),
        decoded_size=len(content) if size is None else size,
        decoded_crc32=zlib.crc32(content),
    )
    return Contents(file=file, upload=upload)


def separate(databases: Databases) -> SeparateDatabase:
    return SeparateDatabase(
        databases=databases,  # type: ignore[arg-type]  # databases of tests
        connection=CONNECTION,
        restorers=RESTORERS,
        server=15,
        schema="public",
    )


def in_place(databases: Databases, folder: Path) -> InPlace:
    return InPlace(
        databases=databases,  # type: ignore[arg-type]  # databases of tests
        connection=CONNECTION,
        restorers=RESTORERS,
        server=15,
        schema="public",
        folder=folder,
    )


@pytest.mark.parametrize(("free", "size"), [(None, b"10"), (12, b"10"), (10**12, b"1000000\n")])
async def test_backup_that_fits_is_taken(free: int | None, size: bytes) -> None:
    databases = Databases(free=free)
    await separate(databases).check_size(size)
    assert databases.done == []


@pytest.mark.parametrize(
    ("free", "size", "message"),
    [
        (
            11,
            b"10",
            "restoring backup requires 11 bytes of free disk space, but Postgres only has 11 bytes available",
        ),
        (99, b"-1", "the size of the database is no number"),
        (99, b"9" * 21, "the size of the database is no number"),
        (99, b"\xff", "the size of the database is no number"),
        (99, b"", "the size of the database is no number"),
    ],
)
async def test_backup_that_does_not_fit_is_refused(free: int, size: bytes, message: str) -> None:
    with pytest.raises(Refused) as caught:
        await separate(Databases(free=free)).check_size(size)
    assert caught.value.message == message


async def test_separate_database_is_loaded_while_the_dump_comes_in(loading: Loading) -> None:
    databases = Databases()
    target = separate(databases)
    await target.load(await dump())
    await target.finish()
    assert databases.done == ["create", "check public", "analyze"]
    assert loading.fed == b"dump" * 1000
    assert loading.started == [{"database": "central_restore", "server": 15, "password": "pw"}]
    assert loading.done == ["finish fed=True"]


async def test_separate_database_is_dropped_when_its_dump_is_bad(loading: Loading) -> None:
    databases = Databases()
    target = separate(databases)
    with pytest.raises(Refused, match="it holds 4000 bytes"):
        await target.load(await dump(size=5000))
    await target.abandon()
    assert databases.done == ["create", "drop"]
    assert loading.done == ["abandon"]


async def test_restore_that_did_not_begin_drops_nothing() -> None:
    databases = Databases()
    await separate(databases).abandon()
    assert databases.done == []


async def test_load_in_place_waits_for_the_whole_dump(loading: Loading, tmp_path: Path) -> None:
    target = in_place(Databases(), tmp_path)
    await target.load(await dump())
    assert loading.fed == b""
    await target.finish()
    (started,) = loading.started
    assert loading.fed == b"dump" * 1000
    assert (started["database"], loading.done) == ("central_active", ["finish fed=False"])
    script = started["script"]
    assert isinstance(script, Script)
    assert "n.nspname = 'public'" in script.before
    assert list(tmp_path.iterdir()) == []


async def test_failed_load_in_place_leaves_no_file(loading: Loading, tmp_path: Path) -> None:
    loading.fails = True
    target = in_place(Databases(), tmp_path)
    await target.load(await dump())
    with pytest.raises(Refused, match="Could not load"):
        await target.finish()
    await target.abandon()
    assert loading.done == ["finish fed=False", "abandon"]
    assert target._file is None


async def test_dump_larger_than_the_temporary_directory_is_refused(tmp_path: Path) -> None:
    target = in_place(Databases(), tmp_path)
    with pytest.raises(Refused, match=f"requires {2**60} bytes of free disk space for temporary files"):
        await target.load(await dump(size=2**60))


class FullVolume:
    """A file that takes a few bytes at a time, and then no more."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.content = b""

    def write(self, data: memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = bytes(data[: min(3, self.room)])
        self.room -= len(taken)
        self.content += taken
        return len(taken)


def test_chunk_is_kept_whole_or_refused() -> None:
    enough, full = FullVolume(10), FullVolume(5)
    targets._keep(enough, b"0123456789")  # type: ignore[arg-type]  # writes alone
    assert enough.content == b"0123456789"
    with pytest.raises(Refused, match="the dump cannot be kept for the restore: No space left on device"):
        targets._keep(full, b"0123456789")  # type: ignore[arg-type]  # writes alone


async def test_missing_temporary_directory_is_told(tmp_path: Path) -> None:
    target = in_place(Databases(), tmp_path / "missing")
    with pytest.raises(Unavailable, match="no temporary file can be made for the dump"):
        await target.load(await dump())


async def test_restore_without_a_dump_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="the backup has no dump"):
        await in_place(Databases(), tmp_path).finish()


@pytest.mark.parametrize(
    ("external", "may_create", "kind", "asked"),
    [
        (False, True, SeparateDatabase, ["asked"]),
        (False, False, InPlace, ["asked"]),
        (True, True, InPlace, []),
    ],
)
async def test_target_is_chosen_by_whose_server_it_is(
    tmp_path: Path, external: bool, may_create: bool, kind: type, asked: list[str]
) -> None:
    program = tmp_path / "pg_restore"
    program.write_text("#!/bin/sh\necho 'pg_restore (PostgreSQL) 15.20'\n")
    program.chmod(0o755)
    databases = Databases(may_create=may_create)
    chosen = await Targets(
        databases=databases,  # type: ignore[arg-type]  # databases of tests
        connection=CONNECTION,
        programs=Programs([tmp_path]),
        external=external,
    ).choose()
    assert type(chosen) is kind
    assert databases.done == asked
