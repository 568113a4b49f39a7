"""Uploaded definitions in a real Central DB: whole or not at all, and there after every end."""

from __future__ import annotations

import os
import signal
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from pyrox.clock import SystemClock
from pyrox.errors import Unavailable
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from services.central.definitions.store import PIECE_BYTES, V2, V4, DefinitionStore, UploadInProgress
from tests.support.bundles import offline_bundle
from tests.support.central import RunningCentral, running_central

pytestmark = [pytest.mark.needs("postgres")]
PATH = "/api/extensions/scannerdefinitions"


@pytest.fixture
async def store(central_pool: Pool) -> DefinitionStore:
    await central_pool.execute("DELETE FROM blobs")
    return DefinitionStore(pool=central_pool, clock=SystemClock())


def file_of(tmp_path: Path, name: str, size: int) -> Path:
    path = tmp_path / name
    path.write_bytes(os.urandom(size))
    return path


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, 2 * PIECE_BYTES + 5])
async def test_blob_comes_back_as_it_was(store: DefinitionStore, tmp_path: Path, size: int) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    file, target = file_of(tmp_path, "file", size), tmp_path / "target"
    await store.replace({V4: file})
    told, copied = await store.about(V4), await store.copy(V4, target)
    assert told == copied
    assert target.read_bytes() == file.read_bytes()
    assert told is not None
    assert before <= told.modified <= datetime.now(UTC)
    assert await store.about(V2) is None
    assert await store.copy(V2, target) is None


async def test_shorter_blob_leaves_nothing_of_the_longer_one(
    store: DefinitionStore, central_pool: Pool, tmp_path: Path
) -> None:
    await store.replace({V4: file_of(tmp_path, "long", 3 * PIECE_BYTES)})
    await store.replace({V4: file_of(tmp_path, "short", 10)})
    assert await central_pool.fetchval("SELECT sum(length(data)) FROM blob_parts WHERE name = $1", V4) == 10


async def test_upload_that_breaks_off_leaves_the_old_one(store: DefinitionStore, tmp_path: Path) -> None:
    old = file_of(tmp_path, "old", 100)
    await store.replace({V4: old, V2: old})
    before = await store.about(V4)
    with pytest.raises(FileNotFoundError):
        await store.replace({V4: file_of(tmp_path, "new", 2 * PIECE_BYTES), V2: tmp_path / "missing"})
    assert await store.about(V4) == before
    await store.copy(V4, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == old.read_bytes()


async def test_upload_beside_one_of_another_replica_is_refused(
    store: DefinitionStore, central_pool: Pool, tmp_path: Path
) -> None:
    async with central_pool.transaction() as tx:
        await tx.fetchval("SELECT pg_advisory_xact_lock(1684366963)")
        with pytest.raises(UploadInProgress):
            await store.replace({V4: file_of(tmp_path, "file", 1)})
    await store.replace({V4: file_of(tmp_path, "file", 1)})
    assert await store.about(V4) is not None


async def test_blob_that_lost_a_piece_is_not_handed_out(
    store: DefinitionStore, central_pool: Pool, tmp_path: Path
) -> None:
    await store.replace({V4: file_of(tmp_path, "file", 2 * PIECE_BYTES)})
    await central_pool.execute("DELETE FROM blob_parts WHERE number = 1")
    with pytest.raises(Unavailable, match="is damaged in the database; upload the definitions again"):
        await store.copy(V4, tmp_path / "target")


def vulnerabilities(central: RunningCentral, client: httpx.Client) -> bytes:
    return client.get(PATH, params={"version": "v3"}).raise_for_status().content


def test_upload_outlives_a_kill_and_an_interrupted_one_changes_nothing(
    tmp_path: Path, central_database: Settings
) -> None:
    first, second = (tmp_path / f"{n}" for n in ("first", "second"))
    kept = os.urandom(3 << 20)
    with running_central(tmp_path, central_database, arguments=("--definitions", str(first))) as central:
        with central.client() as client:
            client.post(PATH, content=offline_bundle({"vulnerabilities.zip": kept})).raise_for_status()
            modified = client.get(PATH, params={"version": "v3"}).headers["last-modified"]

            def half() -> object:
                yield offline_bundle({"vulnerabilities.zip": os.urandom(1 << 20)})[:500_000]
                assert central.process is not None
                os.kill(central.process.pid, signal.SIGKILL)
                central.process.wait()
                yield b"x" * 100_000

            with pytest.raises(httpx.TransportError):
                client.post(PATH, content=half())  # type: ignore[arg-type]
        # A new pod: its directory is empty.
        central.command[central.command.index(str(first))] = str(second)
        central.start()
        with central.client() as client:
            found = client.get(PATH, params={"version": "v3"})
            assert (found.status_code, found.content) == (200, kept)
            assert found.headers["last-modified"] == modified
            unchanged = client.get(PATH, params={"version": "v3"}, headers={"if-modified-since": modified})
            assert (unchanged.status_code, unchanged.content) == (304, b"")
            assert client.get(PATH, params={"version": "v9"}).status_code == 404


def test_backup_holds_the_upload(tmp_path: Path, central_database: Settings) -> None:
    with running_central(tmp_path, central_database) as central, central.client() as client:
        client.post(PATH, content=offline_bundle({"vulnerabilities.zip": b"v"})).raise_for_status()
        answer = client.get("/db/backup", timeout=60)
    assert answer.status_code == 200
    (tmp_path / "backup.zip").write_bytes(answer.content)
    with zipfile.ZipFile(tmp_path / "backup.zip") as archive:
        assert b"blob_parts" in archive.read("postgres.dump")
