"""A backup by roxctl, everything deleted, a restore by roxctl: the same rows in every table.

On three servers: Central's own, where a second database takes the place of the first;
the user's own with TLS `verify-full` and an account that may do nothing but use its
database; the embedded one, with the programs of its Python package.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backup_site import Site, embedded_site, tls_site
from tests.support.rows import rows_of, value_of

pytestmark = [pytest.mark.timeout(300)]
_LEFT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pyrox-backup'"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("own", marks=pytest.mark.needs("debian_postgres")),
        pytest.param("external", marks=pytest.mark.needs("debian_postgres")),
        pytest.param("embedded", marks=pytest.mark.needs("postgres")),
    ],
)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    if request.param == "embedded":
        with embedded_site(folder, request.getfixturevalue("pg_server")) as made:
            yield made
    else:
        with tls_site(folder, external=request.param == "external") as made:
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
        assert archive.read("central-db/password").decode() == site.database.password
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
    assert site.database.password not in site.central.log.read_text()
    assert value_of(site.admin, _LEFT) == 0
