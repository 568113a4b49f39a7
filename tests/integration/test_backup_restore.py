"""A backup by roxctl, everything deleted, a restore by roxctl: the same rows in every table.

On Debian's PostgreSQL 15, since the embedded server brings no pg_dump: once as Central's
own server, where a second database takes the place of the first, and once as the user's
own with TLS `verify-full` and an account that may do nothing but use its database.
"""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyrox.clock import SystemClock
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support.central import PASSWORD as ADMIN_PASSWORD
from tests.support.central import ROOT, RunningCentral, running_central
from tests.support.fleet import Fleet
from tests.support.pg import outside
from tests.support.pki import Pki
from tests.support.rows import rows_of, run_sql, value_of
from tests.support.tls_postgres import PASSWORD, certificate_of_localhost, tls_postgres

pytestmark = [pytest.mark.needs("debian_postgres"), pytest.mark.timeout(300)]
RESTARTED = "starting again with the restored database"
ACCOUNT = "central_user"


@dataclass
class Site:
    """A Central with its database."""

    central: RunningCentral
    database: Settings
    admin: Settings
    """The server's superuser, in its own database."""

    def roxctl(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": "/usr/bin:/bin",
            "ROX_ENDPOINT": f"127.0.0.1:{self.central.port}",
            "ROX_ADMIN_PASSWORD": ADMIN_PASSWORD,
            "ROX_CA_CERT_FILE": str(self.central.pki.ca_file),
            "ROX_CONFIG_DIR": str(folder),
            "PYTHONPATH": str(ROOT),
        }
        return subprocess.run(
            [sys.executable, "-m", "roxctl.main", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def fill(self) -> dict[str, list[str]]:
        """Write objects of every kind, let a start of Central tidy up; all rows then."""
        outside(_fill(self.database))
        with self.central.client() as client:
            client.post("/v1/apitokens/generate", json={"name": "kept", "roles": ["Analyst"]})
            client.post("/v1/clusters", json={"name": "shop"})
        self.central.stop()
        self.central.start()
        return rows_of(self.database)

    def delete_everything(self) -> None:
        """Drop every object of the database; Central starts on nothing."""
        self.central.stop()
        run_sql(self.database, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        self.central.start()

    def wait_for_restart(self, count: int = 1) -> None:
        deadline = time.monotonic() + 60
        while self.central.log.read_text().count(RESTARTED) < count:
            assert time.monotonic() < deadline, self.central.log.read_text()[-3000:]
            time.sleep(0.1)
        self.central.wait()


async def _fill(database: Settings) -> None:
    pool = Pool(settings=database, clock=SystemClock())
    await pool.connect()
    try:
        await Fleet(pool).write()
    finally:
        await pool.close()


@contextmanager
def _site(directory: Path, *, external: bool) -> Iterator[Site]:
    pki = Pki(directory / "database-pki")
    with tls_postgres(certificate_of_localhost(pki)) as superuser:
        tls = f"sslmode=verify-full sslrootcert={pki.ca_file}"
        admin = Settings.from_source(f"{superuser} {tls}", password=PASSWORD)
        if external:
            run_sql(
                admin,
                f"CREATE ROLE {ACCOUNT} LOGIN PASSWORD '{PASSWORD}'",
                f"CREATE DATABASE of_the_user OWNER {ACCOUNT}",
                "CREATE DATABASE central_restore",
            )
            source = f"host=localhost port={admin.port} user={ACCOUNT} dbname=of_the_user {tls}"
        else:
            run_sql(admin, "CREATE DATABASE central_active")
            source = f"host=localhost port={admin.port} user={admin.user} dbname=central_active {tls}"
        database = Settings.from_source(source, password=PASSWORD)
        with running_central(directory, database, source=source, external=external) as central:
            yield Site(central, database, admin)


@pytest.fixture(scope="module", params=["own server", "external server"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with _site(tmp_path_factory.mktemp("site"), external=request.param == "external server") as made:
        yield made


def test_restore_after_everything_was_deleted_brings_every_row_back(site: Site, tmp_path: Path) -> None:
    before = site.fill()
    assert sum(len(rows) for rows in before.values()) > 150
    made = site.roxctl("central", "backup", "--output", str(tmp_path / "all.zip"), folder=tmp_path)
    assert (made.returncode, made.stdout) == (0, f'Wrote backup file to "{tmp_path / "all.zip"}"\n'), (
        made.stderr
    )
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "migration_version.yaml",
            "postgres.size",
            "postgres.dump",
            "keys/ca.pem",
            "keys/ca-key.pem",
            "keys/jwt-key.pem",
            "central-db/password",
        ]
        assert archive.read("central-db/password").decode() == PASSWORD
    site.delete_everything()
    assert rows_of(site.database) != before
    restored = site.roxctl("central", "db", "restore", str(tmp_path / "all.zip"), folder=tmp_path)
    assert (restored.returncode, restored.stdout) == (
        0,
        "Transferring data ...\nSuccessfully restored DB\n",
    ), restored.stderr
    site.wait_for_restart()
    after = rows_of(site.database)
    assert {table: rows for table, rows in after.items() if rows != before.get(table)} == {}
    assert after.keys() == before.keys()
    with site.central.client() as client:
        assert client.get("/v1/db/restore").json() == {"activeStatus": None}
        names = [cluster["name"] for cluster in client.get("/v1/clusters").json()["clusters"]]
    assert "shop" in names
    assert PASSWORD not in site.central.log.read_text()
    assert (
        value_of(site.admin, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pyrox-backup'")
        == 0
    )
