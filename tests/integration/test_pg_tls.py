"""TLS to the database, on Debian's PostgreSQL, since the embedded build has none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from pyrox.mtls.identity import Subject
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from services.local import postgres
from tests.support import pg
from tests.support.pki import Pki

pytestmark = pytest.mark.needs("debian_postgres")

DEBIAN = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Pki]]:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    files = pki.files(Subject("CENTRAL_DB_SERVICE", "central-db"))
    state = Path(tempfile.mkdtemp(prefix="pyrox-pg-tls-"))
    state.chmod(0o711)
    server = postgres.prepare(
        state=state, address="127.0.0.1", port=pg.free_port(), password="secret", binaries=DEBIAN
    )
    for made, name in ((files.cert, "server.crt"), (files.key, "server.key")):
        target = server.data / name
        shutil.copyfile(made, target)
        target.chmod(0o600)
        if server.account is not None:
            os.chown(target, server.account.uid, server.account.gid)
    (server.data / "postgresql.auto.conf").write_text("ssl = on\n")
    with (server.data / "pg_hba.conf").open("w") as hba:
        hba.write("hostssl all all 127.0.0.0/8 scram-sha-256\n")
    process = server.spawn()
    source = f"host=localhost port={server.port} user={postgres.SUPERUSER} dbname=postgres"
    try:
        pg.outside(pg.wait_ready(Settings.from_source(f"{source} sslmode=require", password="secret")))
        yield Settings.from_source(source, password="secret"), pki
    finally:
        process.terminate()
        process.wait(timeout=30)
        shutil.rmtree(state)


async def version_of_tls(settings: Settings) -> str | None:
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        found: str | None = await pool.fetchval(
            "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        )
        return found
    finally:
        await pool.close()


def with_mode(settings: Settings, mode: str) -> Settings:
    source = f"host={settings.host} sslmode={mode}"
    return replace(settings, tls=Settings.from_source(source, password="").tls)


async def test_connection_verified_by_the_ca_is_encrypted(tls_server: tuple[Settings, Pki]) -> None:
    settings, pki = tls_server
    assert await version_of_tls(with_mode(settings, f"verify-ca sslrootcert={pki.ca_file}")) == "TLSv1.3"


async def test_server_of_a_foreign_ca_is_refused(tls_server: tuple[Settings, Pki], tmp_path: Path) -> None:
    settings, _ = tls_server
    foreign = Pki(tmp_path / "foreign")
    with pytest.raises(RoxError):
        await version_of_tls(with_mode(settings, f"verify-ca sslrootcert={foreign.ca_file}"))


async def test_server_with_another_name_is_refused_by_verify_full(tls_server: tuple[Settings, Pki]) -> None:
    settings, pki = tls_server
    with pytest.raises(RoxError):
        await version_of_tls(with_mode(settings, f"verify-full sslrootcert={pki.ca_file}"))


async def test_plaintext_connection_is_refused(tls_server: tuple[Settings, Pki]) -> None:
    settings, _ = tls_server
    with pytest.raises(RoxError):
        await version_of_tls(settings)
