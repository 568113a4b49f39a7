"""The two ways to load, with programs that are scripts: flags, lines, commit or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.errors import Unavailable, Unimplemented
from services.central.backups.errors import Refused
from services.central.backups.load import Load, Script
from services.central.backups.programs import Restorers

HEAD = "SET statement_timeout = 0;\nSET transaction_timeout = 0;\nSET client_encoding = 'UTF8';\n"
LATER = "COPY t FROM stdin;\nSET transaction_timeout = 0;\n\\.\n"
FLAGS = "--no-owner --clean --if-exists --exit-on-error -Fc"


class Tools:
    """Programs that write down what they are given."""

    def __init__(self, folder: Path, *, major: int = 15, restore: str = "", psql: str = "") -> None:
        self.folder = folder
        (folder / "script").write_text(HEAD + LATER)
        reading = f'echo "$*" > {folder}/words; cat > {folder}/dump'
        scripts = {
            "pg_restore": restore or f'{reading}; if [ "$1" = -f ]; then cat {folder}/script; fi',
            "psql": psql or f'echo "$*" > {folder}/psql-words; cat > {folder}/sql',
        }
        for name, text in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)
        self.restorers = Restorers(folder / "pg_restore", folder / "psql", major)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    async def load(self, *, server: int = 15, script: Script | None = None) -> Load:
        environment = {"PATH": "/usr/bin:/bin"}
        return await Load.start(self.restorers, environment, database="db", server=server, script=script)


async def test_straight_load_is_upstreams_command(tmp_path: Path) -> None:
    tools = Tools(tmp_path)
    load = await tools.load()
    await load.feed(b"the ")
    await load.feed(b"dump")
    await load.finish()
    assert tools.read("words") == f"-d db {FLAGS} --single-transaction\n"
    assert tools.read("dump") == "the dump"
    assert not (tmp_path / "sql").exists()


async def test_newer_program_loses_the_setting_that_the_server_does_not_know(tmp_path: Path) -> None:
    tools = Tools(tmp_path, major=17)
    load = await tools.load(server=15)
    await load.feed(b"dump")
    await load.finish()
    assert tools.read("words") == f"-f - {FLAGS}\n"
    assert tools.read("psql-words") == "-X -q -v ON_ERROR_STOP=1 -d db -f -\n"
    head = HEAD.replace("SET transaction_timeout = 0;\n", "")
    # The same line among the data of a table is data.
    assert tools.read("sql") == f"BEGIN;\n\n{head}{LATER}\n\nCOMMIT;\n"


@pytest.mark.parametrize(("major", "server"), [(17, 17), (18, 17), (15, 18)])
async def test_setting_that_the_server_knows_stays(tmp_path: Path, major: int, server: int) -> None:
    tools = Tools(tmp_path, major=major)
    load = await tools.load(server=server, script=Script(before="SELECT 1;", after="SELECT 2;"))
    await load.feed(b"dump")
    await load.finish()
    assert tools.read("sql") == f"BEGIN;\nSELECT 1;\n{HEAD}{LATER}\nSELECT 2;\nCOMMIT;\n"


async def test_script_whose_pg_restore_fails_is_not_committed(tmp_path: Path) -> None:
    tools = Tools(tmp_path, restore="cat > /dev/null; echo SOME; echo 'pg_restore: error: bad' >&2; exit 1")
    load = await tools.load(script=Script(after="SELECT 2;"))
    with pytest.raises(Refused) as caught:
        await load.finish()
    assert caught.value.message == (
        "Could not load the Postgres backup: pg_restore ended with code 1: pg_restore: error: bad"
    )
    # It was ended before it was told to commit, perhaps before it read anything.
    written = tmp_path / "sql"
    assert "COMMIT" not in (written.read_text() if written.exists() else "")
    await load.abandon()


async def test_script_that_psql_refuses_is_told(tmp_path: Path) -> None:
    tools = Tools(tmp_path, psql="head -c 5 > /dev/null; echo 'ERROR: syntax' >&2; exit 3")
    load = await tools.load(script=Script())
    with pytest.raises(Refused, match="psql ended with code 3: ERROR: syntax"):
        await load.finish()
    await load.abandon()


async def fed_until_refused(load: Load) -> None:
    for _ in range(1000):
        await load.feed(bytes(65536))


@pytest.mark.parametrize("script", [None, Script()])
async def test_program_that_stops_reading_ends_the_feeding(tmp_path: Path, script: Script | None) -> None:
    tools = Tools(tmp_path, restore="echo 'pg_restore: error: not an archive' >&2; exit 1")
    load = await tools.load(script=script)
    with pytest.raises(Refused, match="not an archive"):
        await fed_until_refused(load)
    await load.abandon()


@pytest.mark.parametrize("script", [None, Script()])
async def test_abandoned_load_ends_its_programs(tmp_path: Path, script: Script | None) -> None:
    sleeping = f"echo $$ >> {tmp_path}/pids; exec sleep 600"
    tools = Tools(tmp_path, restore=sleeping, psql=sleeping)
    load = await tools.load(script=script)
    while not (tmp_path / "pids").exists():
        await load.feed(b"x")
    await load.abandon()
    assert [pid for pid in tools.read("pids").split() if Path(f"/proc/{pid}").exists()] == []


async def test_missing_programs_are_told(tmp_path: Path) -> None:
    lonely = Restorers(tmp_path / "pg_restore", None, 17)
    with pytest.raises(Unimplemented, match="psql of PostgreSQL 17 is not installed"):
        await Load.start(lonely, {}, database="db", server=15)
    with pytest.raises(Unavailable, match="pg_restore cannot be started: No such file or directory"):
        await Load.start(lonely, {}, database="db", server=17)
