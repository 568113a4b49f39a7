"""Central on a PostgreSQL of the user's own: moved there by a backup, backed up from there, moved back.

Debian's PostgreSQL 15 on this machine, with TLS that Central verifies to the full, and an
account that owns one database and may do nothing else.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from pyrox.pg.settings import Settings
from tests.e2e.contents import contents, restored
from tests.e2e.stories import REFUSED, Stories, registry_host
from tests.support import cluster
from tests.support.cluster import apply, eventually, gone, helm, kubectl, rolled_out, scale
from tests.support.helm_installation import CENTRAL, CHARTS, NAMESPACE, Installed
from tests.support.pki import Pki
from tests.support.rows import run_sql, value_of
from tests.support.tls_postgres import PASSWORD, certificate_of_localhost, tls_postgres

pytestmark = [pytest.mark.needs("cluster", "helm", "debian_postgres"), pytest.mark.timeout(1200)]
ACCOUNT, DATABASE = "central_user", "of_the_user"
ENCRYPTED = """SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
 WHERE usename = 'central_user'"""
LOGIN, AUTHORITY = "e2e-database-login", "e2e-database-ca"


@dataclass(frozen=True, slots=True)
class Server:
    """The user's server, as its administrator and as Central's pod see it."""

    admin: Settings
    authority: str

    @property
    def source(self) -> str:
        """How Central reaches it; the CA is where the values mount it."""
        where = f"host={self.admin.host} port={self.admin.port} user={ACCOUNT} dbname={DATABASE}"
        return f"{where} sslmode=verify-full sslrootcert=/run/e2e-database-ca/ca.crt"

    def empty(self) -> None:
        """The account with an empty database; whatever was in it is gone."""
        run_sql(self.admin, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        run_sql(self.admin, f"CREATE DATABASE {DATABASE} OWNER {ACCOUNT}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that verifies nobody but shows a certificate for the address at which pods reach it."""
    if not (host := registry_host()):
        pytest.skip("E2E_HOST names no address of this machine that pods reach")
    pki = Pki(tmp_path / "database-pki")
    with tls_postgres(certificate_of_localhost(pki, host), address=host) as superuser:
        tls = f"sslmode=verify-full sslrootcert={pki.ca_file}"
        made = Server(Settings.from_source(f"{superuser} {tls}", password=PASSWORD), pki.ca_file.read_text())
        run_sql(made.admin, f"CREATE ROLE {ACCOUNT} LOGIN PASSWORD '{PASSWORD}'")
        made.empty()
        yield made


@pytest.fixture
def quiet(stories: Stories, server: Server) -> Iterator[Installed]:
    """An installation to which nobody writes; on its own database again afterwards."""
    installed = stories.installed
    apply(*_objects(server))
    scale(NAMESPACE, "sensor", 0)
    try:
        yield installed
    finally:
        _upgrade(
            "--set", "central.db.external=false,central.db.password.existingSecret=",
            "--set", "central.db.source.connectionString=",
            "--set-json", "central.extraMounts=[]",
        )  # fmt: skip
        kubectl("delete", f"secret/{LOGIN}", f"configmap/{AUTHORITY}", "-n", NAMESPACE)
        scale(NAMESPACE, "sensor", 1)
        eventually(installed.healthy, seconds=240, what="Sensor is connected again")


def test_backup_moves_central_to_the_users_server_and_restores_it_there(
    quiet: Installed, server: Server, tmp_path: Path
) -> None:
    before = contents(quiet)
    assert REFUSED in before["/v1/policies"]
    own, theirs = tmp_path / "own.zip", tmp_path / "theirs.zip"
    quiet.roxctl("central", "backup", "--output", str(own), seconds=300)
    _move(server, tmp_path / "values.yaml")
    gone(NAMESPACE, "central-db")
    assert cluster.pods(NAMESPACE, "app=central-db") == []
    assert REFUSED not in contents(quiet)["/v1/policies"]
    assert _all_encrypted(server)
    quiet.roxctl("central", "db", "restore", str(own), seconds=400)
    assert restored(quiet, before) == before
    quiet.roxctl("central", "backup", "--output", str(theirs), seconds=300)
    scale(NAMESPACE, "central", 0)
    server.empty()
    scale(NAMESPACE, "central", 1)
    rolled_out(NAMESPACE, "central")
    assert REFUSED not in contents(quiet)["/v1/policies"]
    quiet.roxctl("central", "db", "restore", str(theirs), seconds=400)
    assert restored(quiet, before) == before


def _objects(server: Server) -> list[cluster.Json]:
    where = {"namespace": NAMESPACE}
    password = base64.b64encode(PASSWORD.encode()).decode()
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": LOGIN, **where},
            "data": {"password": password},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": AUTHORITY, **where},
            "data": {"ca.crt": server.authority},
        },
    ]


def _values(server: Server) -> cluster.Json:
    """What `ci/external-database-values.yaml` shows, with this server's names."""
    mount = {
        "name": AUTHORITY,
        "source": {"configMap": {"name": AUTHORITY}},
        "mount": {"mountPath": "/run/e2e-database-ca", "readOnly": True},
    }
    database = {
        "external": True,
        "source": {"connectionString": server.source},
        "password": {"existingSecret": LOGIN},
    }
    return {"central": {"db": database, "extraMounts": [mount]}}


def _move(server: Server, values: Path) -> None:
    """Have the chart use the server instead of a database of its own."""
    values.write_text(yaml.safe_dump(_values(server)))
    _upgrade("--values", str(values))


def _upgrade(*words: str) -> None:
    chart = str(CHARTS / "central-services")
    helm("upgrade", CENTRAL, chart, "-n", NAMESPACE, "--reuse-values", *words)
    rolled_out(NAMESPACE, "central")


def _all_encrypted(server: Server) -> bool:
    """Whether Central's connections are there, and every one of them is TLS."""
    return value_of(server.admin, ENCRYPTED) is True
