"""The embedded PostgreSQL: preparation, crashes, leftovers, the command line."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pyrox.clock import SystemClock
from pyrox.errors import Invalid
from pyrox.pg.settings import Settings
from services.local import postgres
from tests.support import pg

pytestmark = pytest.mark.needs("postgres")


@pytest.fixture
def state() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="pyrox-pg-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def prepared(state: Path, binaries: Path | None = None) -> postgres.Server:
    return postgres.prepare(
        state=state,
        address="127.0.0.1",
        port=pg.free_port(),
        password="secret",
        binaries=binaries or pg.binaries(),
    )


def admin(server: postgres.Server) -> Settings:
    return Settings(database="postgres", user=postgres.SUPERUSER, password="secret", port=server.port)


def test_data_belong_to_the_account_alone(state: Path) -> None:
    server = prepared(state)
    for folder in (server.data, server.sockets):
        status = folder.stat()
        assert stat.S_IMODE(status.st_mode) == 0o700
        assert status.st_uid == (server.account.uid if server.account else os.geteuid())
    assert not list(server.sockets.iterdir())
    assert "trust" not in (server.data / "pg_hba.conf").read_text()


def test_interrupted_initialisation_is_repeated(state: Path) -> None:
    (state / "data.new").mkdir()
    (state / "data.new" / "PG_VERSION").write_text("18")
    assert (prepared(state).data / "global").is_dir()


def test_server_with_a_long_path_listens_on_loopback_alone(state: Path) -> None:
    server = prepared(state)
    assert f"unix_socket_directories={server.sockets}" in server.command()
    deep = replace(server, sockets=Path("/" + "x" * 100))
    assert "unix_socket_directories=" in deep.command()


def test_second_preparation_ends_the_server_that_is_left_over(state: Path) -> None:
    server = prepared(state)
    first = server.spawn()
    pg.outside(pg.wait_ready(admin(server)))
    again = prepared(state)
    assert first.wait(timeout=60) == 0
    second = again.spawn()
    try:
        pg.outside(pg.wait_ready(admin(again)))
    finally:
        second.kill()
        second.wait()
        postgres.end_leftover(again.data, SystemClock())


def test_stale_lock_file_of_a_reused_process_id_does_not_matter(state: Path) -> None:
    server = prepared(state)
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n1\n{server.port}\n")
    postgres.end_leftover(server.data, SystemClock())
    assert not (server.data / "postmaster.pid").exists()


@pytest.mark.needs("root")
def test_state_below_a_folder_of_root_moves_where_the_account_can_go(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = state / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(postgres, "FALLBACK", state / "open")
    server = prepared(closed / "state")
    assert (state / "open") in server.data.parents
    assert not (closed / "state").exists()


@pytest.mark.needs("root")
def test_package_below_a_folder_of_root_still_starts(state: Path) -> None:
    closed = state / "closed"
    closed.mkdir(mode=0o700)
    package = postgres.find_binaries().parent.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, closed / folder.name, symlinks=True)
    hidden = closed / package.name / postgres.find_binaries().parent.name / "bin"
    server = prepared(state / "open", hidden)
    assert closed not in server.binaries.parents
    assert (server.data / "PG_VERSION").exists()


def test_command_line_becomes_the_server(state: Path) -> None:
    password = state / "password"
    password.write_text("secret\n")
    port = pg.free_port()
    command = [sys.executable, "-m", "services.local.postgres", "--state", str(state), "--port", str(port)]
    process = subprocess.Popen([*command, "--password-file", str(password)])
    try:
        settings = Settings(database="postgres", user=postgres.SUPERUSER, password="secret", port=port)
        pg.outside(pg.wait_ready(settings))
        assert b"postgres" in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    finally:
        process.terminate()
        process.wait(timeout=30)


async def test_database_is_made_once_and_its_password_renewed(pg_server: pg.TestServer) -> None:
    for password in ("first", "it's second"):
        await postgres.ensure_database(
            admin=pg_server.admin, name="made_once", owner="maker", password=password, clock=SystemClock()
        )
        made = replace(pg_server.admin, database="made_once", user="maker", password=password)
        await pg.wait_ready(made)
    with pytest.raises(Invalid):
        await postgres.ensure_database(
            admin=pg_server.admin, name='x"; DROP', owner="maker", password="", clock=SystemClock()
        )


def test_command_line_without_password_says_so(state: Path) -> None:
    command = [sys.executable, "-m", "services.local.postgres", "--state", str(state)]
    done = subprocess.run(
        [*command, "--password-file", str(state / "none")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "cannot start" in done.stderr
