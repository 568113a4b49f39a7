"""Central and its database as a pod finds it: verified TLS, not there yet, wrong password, no database."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import httpx
import pytest

from pyrox.clock import SystemClock
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support import pg
from tests.support.central import ROOT, RunningCentral, prepared_central
from tests.support.pki import Pki
from tests.support.tls_postgres import PASSWORD, certificate_of_localhost, plain_postgres, tls_postgres

pytestmark = pytest.mark.needs("debian_postgres")
_SECONDS = 60.0
# As the chart writes it, without the database's name: that is Central's own.
_CHART = (
    "host=localhost port={port} user=postgres sslmode=verify-full sslrootcert={ca}"
    " statement_timeout=1.2e+06 pool_min_conns=1 pool_max_conns=9 client_encoding=UTF8"
)


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Path]]:
    """The superuser of a TLS server, and its CA."""
    pki = Pki(tmp_path_factory.mktemp("pki"))
    with tls_postgres(certificate_of_localhost(pki)) as source:
        words = f"{source} sslmode=verify-full sslrootcert={pki.ca_file}"
        yield Settings.from_source(words, password=PASSWORD), pki.ca_file


def configured(
    directory: Path, server: tuple[Settings, Path], *, external: bool = False, name: str = ""
) -> None:
    """Write what the chart mounts, over what the test installation has."""
    settings, ca = server
    source = _CHART.format(port=settings.port, ca=ca) + (f" dbname={name}" if name else "")
    document = {"centralDB": {"external": external, "source": source}}
    (directory / "secrets" / "central-external-db.yaml").write_text(json.dumps(document))


def stopped(central: RunningCentral) -> tuple[int, str]:
    """How a Central that cannot start ends: its code and what it says."""
    ended = subprocess.run(
        central.command,
        cwd=ROOT,
        env={**os.environ, **central.environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return ended.returncode, ended.stderr + ended.stdout


async def databases(settings: Settings) -> set[str]:
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        return {row["datname"] for row in await pool.fetch("SELECT datname FROM pg_database")}
    finally:
        await pool.close()


@pytest.fixture(name="central")
def _central(tmp_path: Path, server: tuple[Settings, Path]) -> RunningCentral:
    """A Central that is configured as in a pod and not started."""
    made = prepared_central(tmp_path, server[0])
    configured(tmp_path, server)
    return made


async def test_central_makes_its_database_over_verified_tls_and_finds_it_again(
    central: RunningCentral, server: tuple[Settings, Path]
) -> None:
    assert "central_active" not in await databases(server[0])
    central.start()
    try:
        with central.client() as client:
            client.post("/v1/clusters", json={"name": "kept"}).raise_for_status()
    finally:
        central.stop()
    assert "central_active" in await databases(server[0])
    central.start()
    try:
        with central.client() as client:
            assert [one["name"] for one in client.get("/v1/clusters").json()["clusters"]] == ["kept"]
    finally:
        central.stop()


def test_central_with_a_wrong_password_ends_and_says_so(
    central: RunningCentral, server: tuple[Settings, Path], tmp_path: Path
) -> None:
    (tmp_path / "secrets" / "db-password" / "password").write_text("not-the-one")
    code, said = stopped(central)
    assert code == 1
    assert "central_active" in said
    assert f"at localhost:{server[0].port}: password authentication failed" in said
    assert "Traceback" not in said
    assert "not-the-one" not in said


def test_central_that_does_not_trust_the_server_says_so_and_waits(
    central: RunningCentral, server: tuple[Settings, Path], tmp_path: Path
) -> None:
    foreign = Pki(tmp_path / "foreign")
    configured(tmp_path, (server[0], foreign.ca_file))
    said = waiting(central, "certificate verify failed")
    assert "database not reachable, trying again" in said


def test_central_never_makes_a_database_on_the_users_own_server(
    central: RunningCentral, server: tuple[Settings, Path], tmp_path: Path
) -> None:
    configured(tmp_path, server, external=True, name="users_own")
    assert 'database "users_own" does not exist' in waiting(central, "users_own")


def test_central_that_is_first_waits_for_its_server(
    central: RunningCentral, server: tuple[Settings, Path], tmp_path: Path
) -> None:
    pki, port = Pki(tmp_path / "later"), pg.free_port()
    configured(tmp_path, (replace(server[0], port=port), pki.ca_file))
    with central.log.open("ab") as log:
        central.process = start(central, log)
    try:
        heard(central, "Connection refused")
        with tls_postgres(certificate_of_localhost(pki), port=port):
            try:
                central.wait()
                with central.client() as client:
                    assert client.get("/v1/clusters").json()["clusters"] == []
            finally:
                central.stop()
    finally:
        central.kill()


@pytest.fixture(name="volume")
def _volume() -> Iterator[Path]:
    """A small volume of its own; outside pytest's directory, which the server's account may not enter."""
    directory = Path(tempfile.mkdtemp(prefix="pyrox-volume-"))
    options = "size=160m,mode=0711"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory], check=True, timeout=30)
    try:
        yield directory
    finally:
        subprocess.run(["umount", directory], check=True, timeout=30)
        directory.rmdir()


def fill(file: Path) -> None:
    """Take all the room that is left."""
    with file.open("wb", buffering=0) as opened, contextlib.suppress(OSError):
        while opened.write(b"x" * 65536):
            continue


@pytest.mark.needs("root")
def test_central_on_a_full_volume_says_so_keeps_what_it_had_and_heals(tmp_path: Path, volume: Path) -> None:
    with plain_postgres(volume) as source:
        settings = Settings.from_source(source, password=PASSWORD)
        central = prepared_central(tmp_path, replace(settings, database="central_active"))
        central.start()
        try:
            with central.client() as client:
                client.post("/v1/clusters", json={"name": "kept"}).raise_for_status()
                fill(volume / "filling")
                codes = {made(client, number) for number in range(200)}
                assert codes <= {200, 503}
                assert 503 in codes
                refused = client.post("/v1/apitokens/generate", json={"name": "x", "roles": ["Admin"]})
                assert refused.json()["message"] == "the database has no space left; enlarge its volume"
                assert [one["name"] for one in client.get("/v1/clusters").json()["clusters"]] == ["kept"]
                (volume / "filling").unlink()
                assert made(client, 0) == 200
        finally:
            central.stop()
    assert "No space left on device" in central.log.read_text()


def made(client: httpx.Client, number: int) -> int:
    """The status of an attempt to store something."""
    body = {"name": f"{number}-{'x' * 200}", "roles": ["Analyst"]}
    return client.post("/v1/apitokens/generate", json=body).status_code


def start(central: RunningCentral, log: IO[bytes]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **central.environment}
    return subprocess.Popen(central.command, stdout=log, stderr=log, cwd=ROOT, env=environment)


def heard(central: RunningCentral, text: str) -> str:
    """What Central has logged, once this is in it."""
    deadline = time.monotonic() + _SECONDS
    while text not in (said := central.log.read_text()):
        assert central.process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
    return said


def waiting(central: RunningCentral, text: str) -> str:
    """What a Central logs that goes on waiting, and ends at once when it is told to."""
    with central.log.open("ab") as log:
        central.process = start(central, log)
    try:
        said = heard(central, text)
        central.process.terminate()
        assert central.process.wait(timeout=60) == 0
        return said
    finally:
        central.kill()
