"""TLS to the database, on Debian's PostgreSQL, since the embedded build has none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from pyrox.mtls.identity import Subject
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support.pki import Pki
from tests.support.tls_postgres import PASSWORD, certificate_of_localhost, tls_postgres

pytestmark = pytest.mark.needs("debian_postgres")


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Pki]]:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    with tls_postgres(pki.files(Subject("CENTRAL_DB_SERVICE", "central-db"))) as source:
        yield Settings.from_source(source, password=PASSWORD), pki


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


@pytest.mark.parametrize("mode", ["require", "prefer", "allow"])
async def test_connection_that_verifies_nothing_is_encrypted_where_the_server_wants_it(
    tls_server: tuple[Settings, Pki], mode: str
) -> None:
    assert await version_of_tls(with_mode(tls_server[0], mode)) == "TLSv1.3"


async def test_connection_verified_by_ca_and_name_is_encrypted(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    with tls_postgres(certificate_of_localhost(pki)) as source:
        words = f"{source} sslmode=verify-full sslrootcert={pki.ca_file}"
        settings = Settings.from_source(words, password=PASSWORD)
        assert await version_of_tls(settings) == "TLSv1.3"


async def test_plaintext_connection_is_refused(tls_server: tuple[Settings, Pki]) -> None:
    settings, _ = tls_server
    with pytest.raises(RoxError):
        await version_of_tls(settings)
