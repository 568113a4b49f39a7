"""A backup as it is made: order, keys, failures, how many at a time."""

from __future__ import annotations

import io
import zipfile
from contextlib import aclosing
from datetime import datetime
from pathlib import Path

import pytest

from pyrox.errors import Exhausted, Unavailable, Unimplemented
from pyrox.rpc.call import Identity
from services.central.backups.export import Backups, Secrets
from services.central.backups.programs import Connection, Programs
from tests.support.pki import FixedClock

ANN = Identity(uid="u1", name="ann")


class Databases:
    active = "central_active"

    def __init__(self, major: int = 15) -> None:
        self.major = major

    async def server_major(self) -> int:
        return self.major

    async def applied(self) -> int:
        return 3

    async def size(self) -> int:
        return 4711


class Store:
    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.kept: list[tuple[datetime, bool, str]] = []

    async def keep(self, *, moment: datetime, succeeded: bool, by: Identity) -> None:
        if self.away:
            raise Unavailable("away")
        self.kept.append((moment, succeeded, by.name))


class Site:
    """Backups with a pg_dump that is a script."""

    def __init__(self, folder: Path, *, script: str = "", major: int = 15, away: bool = False) -> None:
        program = folder / "bin" / "pg_dump"
        program.parent.mkdir()
        version = "echo 'pg_dump (PostgreSQL) 15.20'"
        body = script or 'echo "$*"; echo "$PGHOST $PGPASSWORD"'
        program.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then {version}; exit; fi\n{body}\n')
        program.chmod(0o755)
        for name in ("ca.pem", "ca-key.pem", "jwt-key.pem"):
            (folder / name).write_text(f"the {name}")
        self.store, self.clock = Store(away=away), FixedClock()
        self.backups = Backups(
            databases=Databases(major),  # type: ignore[arg-type]  # databases of tests
            connection=Connection("host=db.example", "s3cret"),
            programs=Programs([program.parent]),
            secrets=Secrets(certs=folder, jwt=folder),
            store=self.store,  # type: ignore[arg-type]  # a store of tests
            clock=self.clock,
        )

    async def read(self, *, keys: bool = False) -> dict[str, bytes]:
        async with aclosing(self.backups.database(keys=keys, by=ANN)) as parts:
            content = b"".join([part async for part in parts])
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name) for name in archive.namelist()}


async def test_database_is_dumped_after_what_is_checked_first(tmp_path: Path) -> None:
    site = Site(tmp_path)
    found = await site.read()
    assert list(found) == ["migration_version.yaml", "postgres.size", "postgres.dump"]
    assert found["postgres.size"] == b"4711"
    assert found["postgres.dump"] == b"-d central_active -Fc\ndb.example s3cret\n"
    assert b"database: 3\n" in found["migration_version.yaml"]
    assert site.store.kept == [(site.clock.moment, True, "ann")]


async def test_keys_come_last_and_only_when_they_are_wanted(tmp_path: Path) -> None:
    found = await Site(tmp_path).read(keys=True)
    assert list(found)[3:] == ["keys/ca.pem", "keys/ca-key.pem", "keys/jwt-key.pem", "central-db/password"]
    assert found["keys/ca-key.pem"] == b"the ca-key.pem"
    assert found["central-db/password"] == b"s3cret"


async def test_keys_alone_need_no_database(tmp_path: Path) -> None:
    site = Site(tmp_path)
    (tmp_path / "jwt-key.der").write_bytes(b"der")
    content = b"".join([part async for part in site.backups.keys()])  # noqa: SIM118 - no mapping
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        # DER is preferred, as upstream does.
        assert archive.namelist() == ["keys/ca.pem", "keys/ca-key.pem", "keys/jwt-key.der"]
    assert site.store.kept == []


async def test_file_is_named_after_the_moment(tmp_path: Path) -> None:
    assert Site(tmp_path).backups.file_name() == "postgres_db_2026_11_24_09_00_00.sql.zip"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "echo 'pg_dump: error: no connection' >&2; exit 1",
            "pg_dump ended with code 1: pg_dump: error: no connection",
        ),
        ("exit 0", "pg_dump wrote nothing"),
        (
            "echo some; echo 'pg_dump: error: gone' >&2; exit 1",
            "pg_dump ended with code 1: pg_dump: error: gone",
        ),
    ],
)
async def test_dump_that_fails_fails_the_backup(tmp_path: Path, script: str, message: str) -> None:
    site = Site(tmp_path, script=script)
    with pytest.raises(Unavailable) as caught:
        await site.read()
    assert caught.value.message == f"backing up postgres: {message}"
    assert site.store.kept == [(site.clock.moment, False, "ann")]


async def test_what_stands_in_the_way_is_known_before_the_first_byte(tmp_path: Path) -> None:
    site = Site(tmp_path, major=17)
    with pytest.raises(Unimplemented, match="postgresql-client-17"):
        await anext(site.backups.database(keys=False, by=ANN))
    (tmp_path / "ca-key.pem").unlink()
    with pytest.raises(Unavailable, match="No such file or directory"):
        await anext(site.backups.keys())


async def test_reader_that_leaves_ends_the_dump(tmp_path: Path) -> None:
    site = Site(tmp_path, script=f"echo $$ > {tmp_path}/pid; echo some; exec sleep 600")
    async with aclosing(site.backups.database(keys=False, by=ANN)) as parts:
        await anext(parts)
    pid = (tmp_path / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()
    assert site.store.kept == [(site.clock.moment, False, "ann")]


async def test_third_backup_at_the_same_time_is_refused(tmp_path: Path) -> None:
    site = Site(tmp_path, script="echo some; exec sleep 600")
    first, second = (site.backups.database(keys=False, by=ANN) for _ in range(2))
    async with aclosing(first), aclosing(second):
        await anext(first)
        await anext(second)
        with pytest.raises(Exhausted, match="2 backups are being made"):
            await anext(site.backups.database(keys=False, by=ANN))
    assert [succeeded for _, succeeded, _ in site.store.kept] == [False, False]


async def test_backup_counts_although_its_outcome_cannot_be_kept(tmp_path: Path) -> None:
    found = await Site(tmp_path, away=True).read()
    assert len(found) == 3
