"""PostgreSQL's programs: the fitting version, what to install, how they connect."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.errors import Invalid, Unimplemented
from services.central.backups.programs import Connection, Programs, require


def folder(root: Path, name: str, version: str, *programs: str) -> Path:
    """A folder of programs that say they are of this version."""
    made = root / name
    made.mkdir()
    for program in programs:
        path = made / program
        path.write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")
        path.chmod(0o755)
    return made


@pytest.fixture
def both(tmp_path: Path) -> Programs:
    return Programs(
        [
            folder(tmp_path, "b", "17.6 (Debian 17.6-1)", "pg_dump", "pg_restore"),
            folder(tmp_path, "a", "15.20", "pg_dump", "pg_restore", "psql"),
            folder(tmp_path, "c", "15.1", "pg_dump", "pg_restore", "psql"),
        ]
    )


@pytest.mark.parametrize(("server", "chosen"), [(13, "a"), (15, "a"), (16, "b"), (17, "b")])
async def test_oldest_pg_dump_that_can_read_the_server_is_chosen(
    both: Programs, tmp_path: Path, server: int, chosen: str
) -> None:
    assert await both.pg_dump(server) == tmp_path / chosen / "pg_dump"


async def test_pg_dump_older_than_the_server_is_told_with_what_to_install(both: Programs) -> None:
    with pytest.raises(Unimplemented) as caught:
        await both.pg_dump(18)
    assert caught.value.message == (
        "pg_dump for a PostgreSQL server of version 18 is not installed where Central runs"
        " (found only 15, 17); install PostgreSQL's client programs of version 18 or newer"
        " (Debian: postgresql-client-18) and try again"
    )


async def test_no_programs_at_all_are_told(tmp_path: Path) -> None:
    with pytest.raises(
        Unimplemented, match="pg_restore for a PostgreSQL server of version 15 is not installed"
    ):
        await Programs([tmp_path]).restorers(15)


@pytest.mark.parametrize(("server", "chosen", "major"), [(15, "a", 15), (16, "b", 17), (18, "b", 17)])
async def test_restorers_are_of_one_version(
    both: Programs, tmp_path: Path, server: int, chosen: str, major: int
) -> None:
    found = await both.restorers(server)
    assert (found.pg_restore, found.major) == (tmp_path / chosen / "pg_restore", major)


async def test_missing_psql_is_told_when_it_is_needed(both: Programs) -> None:
    with pytest.raises(Unimplemented, match="psql of PostgreSQL 17 is not installed where Central runs"):
        require(await both.restorers(17))


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho nothing\n", "no program"])
async def test_program_that_does_not_run_does_not_count(tmp_path: Path, text: str) -> None:
    (tmp_path / "pg_dump").write_text(text)
    (tmp_path / "pg_dump").chmod(0o755)
    with pytest.raises(Unimplemented, match="found none"):
        await Programs([tmp_path]).pg_dump(15)


def test_connection_becomes_the_variables_of_libpq() -> None:
    source = "host=db.example port=6432 user=central sslmode=verify-full sslrootcert=/ca.pem pool_max_conns=9"
    found = Connection(source, "s3cret").environment()
    assert {name: found[name] for name in sorted(found) if name.startswith("PG")} == {
        "PGAPPNAME": "pyrox-backup",
        "PGCONNECT_TIMEOUT": "10",
        "PGHOST": "db.example",
        "PGPASSWORD": "s3cret",
        "PGPORT": "6432",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/ca.pem",
        "PGUSER": "central",
    }


@pytest.mark.parametrize(
    ("mode", "encrypted"), [("", False), ("prefer", False), ("require", True), ("verify-ca", True)]
)
def test_connection_knows_whether_it_must_be_encrypted(mode: str, encrypted: bool) -> None:
    assert Connection(f"sslmode={mode}" if mode else "host=x", "").encrypted is encrypted


def test_source_that_is_no_list_of_words_is_refused() -> None:
    with pytest.raises(Invalid, match="expected keyword=value pairs"):
        Connection("postgres://x", "").environment()


def test_programs_without_tls_are_left_out_where_it_is_needed() -> None:
    encrypted, plain = (Programs.installed(encrypted=value)._folders for value in (True, False))
    assert set(encrypted) <= set(plain)
    assert not [place for place in encrypted if "pginstall" in str(place)]
