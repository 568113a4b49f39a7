"""A Central on a real database that is backed up and restored by roxctl as a program.

Three kinds: its own server (Debian's, TLS, a superuser), the user's server (Debian's, TLS
`verify-full`, an account that may use its database alone), the embedded server.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyrox.clock import SystemClock
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support.central import PASSWORD as ADMIN_PASSWORD
from tests.support.central import ROOT, RunningCentral, prepared_central, running_central
from tests.support.fleet import Fleet
from tests.support.pg import TestServer, outside
from tests.support.pki import Pki
from tests.support.rows import rows_of, run_sql
from tests.support.tls_postgres import PASSWORD, certificate_of_localhost, tls_postgres

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

    def restarts(self) -> int:
        """How often Central has started again after a restore."""
        return self.central.log.read_text().count(RESTARTED)

    def wait_for_restart(self, count: int = 1) -> None:
        deadline = time.monotonic() + 60
        while self.restarts() < count:
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
def tls_site(directory: Path, *, external: bool) -> Iterator[Site]:
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
        central = prepared_central(directory, database)
        settings = {"centralDB": {"external": external, "source": source}}
        (directory / "secrets" / "central-external-db.yaml").write_text(json.dumps(settings))
        central.start()
        try:
            yield Site(central, database, admin)
        finally:
            central.stop()


@contextmanager
def embedded_site(directory: Path, server: TestServer) -> Iterator[Site]:
    """On the embedded server, with an account that may not make databases."""
    database = server.database()
    with running_central(directory, database) as central:
        yield Site(central, database, server.admin)
