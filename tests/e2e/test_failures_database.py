"""A database that dies while Central migrates it, and one whose volume is full: told, and healed.

Both take the installation through an empty database and give it its own back.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import httpx
import pytest

from pyrox.pg import migrate
from tests.e2e.contents import contents
from tests.e2e.stories import image
from tests.support import cluster
from tests.support.cluster import eventually, helm, kubectl, rolled_out, scale
from tests.support.database_pod import DatabasePod, Volume
from tests.support.helm_installation import CENTRAL, CHARTS, NAMESPACE, Installed

pytestmark = [pytest.mark.needs("cluster", "helm"), pytest.mark.timeout(1200)]
_SECONDS = 240.0
DATABASE, KEPT, VERSIONS = "central_active", "central_kept", "schema_migrations"
SMALL, ENLARGED = 256, 512
"""Megabytes: what a new database fits into, and then some."""


@pytest.fixture
def database(installed: Installed) -> Iterator[DatabasePod]:
    """Central's database with an empty one in its place, as before a first start; Central is stopped."""
    made = DatabasePod(NAMESPACE)
    scale(NAMESPACE, "sensor", 0)
    scale(NAMESPACE, "central", 0)
    made.sql(f"ALTER DATABASE {DATABASE} RENAME TO {KEPT}; CREATE DATABASE {DATABASE}")
    # What a Central has made that was stopped before its first migration.
    made.shell(f"pg_dump --schema-only --table={VERSIONS} {KEPT} | psql -Xq -v ON_ERROR_STOP=1 {DATABASE}")
    try:
        yield made
    finally:
        scale(NAMESPACE, "central", 0)
        made.sql(f"DROP DATABASE {DATABASE}; ALTER DATABASE {KEPT} RENAME TO {DATABASE}")
        scale(NAMESPACE, "central", 1)
        _all_well(installed)


@pytest.fixture
def volume(installed: Installed) -> Iterator[Volume]:
    """A small volume below Central DB; its own again afterwards."""
    made = Volume(NAMESPACE, image(), SMALL)
    scale(NAMESPACE, "sensor", 0)
    made.make()
    try:
        _move(made.path)
        yield made
        _move("")
    finally:
        made.remove()
    _all_well(installed)


def test_database_killed_during_a_migration_is_told_and_the_next_start_finishes_it(
    installed: Installed, database: DatabasePod
) -> None:
    with database.holding(VERSIONS, DATABASE) as held:
        scale(NAMESPACE, "central", 1)
        # The first migration has made its tables and cannot write down that it did.
        held.wait()
        database.kill()
    told = eventually(_central_complains, seconds=_SECONDS, what="Central's log speaks of the database")
    assert "database" in told
    rolled_out(NAMESPACE, "central-db")
    rolled_out(NAMESPACE, "central")
    applied = database.sql("SELECT number FROM schema_migrations ORDER BY number", DATABASE).split()
    known = migrate.read(resources.files("services.central.migrations"))
    assert applied == [str(one.number) for one in known]
    assert contents(installed)["/v1/policies"]


def test_full_volume_is_told_by_central_and_the_database_and_heals_when_it_is_enlarged(
    installed: Installed, volume: Volume
) -> None:
    assert _stored(installed, 0) == (httpx.codes.OK, "")
    volume.fill()
    answers = {_stored(installed, number) for number in range(1, 40)}
    assert {code for code, _ in answers} <= {httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE}
    assert "the database has no space left; enlarge its volume" in {said for _, said in answers}
    pod = DatabasePod(NAMESPACE)
    assert "No space left on device" in pod.log()
    # A server that starts on it says so too.
    kubectl("delete", "pod", "-n", NAMESPACE, "-l", "app=central-db", "--wait=false")
    eventually(
        lambda: "enlarge the PersistentVolumeClaim" in pod.log(), seconds=_SECONDS, what="the start says so"
    )
    volume.enlarge(ENLARGED)
    rolled_out(NAMESPACE, "central-db")
    rolled_out(NAMESPACE, "central")
    eventually(
        lambda: _stored(installed, 0) == (httpx.codes.OK, ""), seconds=_SECONDS, what="Central stores again"
    )
    assert contents(installed)["/v1/apitokens"]


def _move(path: str) -> None:
    """Have the chart put the database on a directory of the node; an empty path: on its claim."""
    # None of the old pods may meet the new volume, nor the new Central the old server.
    for name in ("central", "central-db"):
        scale(NAMESPACE, name, 0)
    # Not `helm rollback`: it stumbles over the claim, which was kept and is of no release then.
    chart, value = str(CHARTS / "central-services"), f"central.db.persistence.hostPath={path}"
    helm("upgrade", CENTRAL, chart, "-n", NAMESPACE, "--reuse-values", "--set", value)
    for name in ("central-db", "central"):
        rolled_out(NAMESPACE, name)


def _stored(installed: Installed, number: int) -> tuple[int, str]:
    """The status of an attempt to store something, and the words of a refusal."""
    body = {"name": f"{number}-{'x' * 200}", "roles": ["Analyst"]}
    try:
        with installed.central() as client:
            answer = client.post("/v1/apitokens/generate", json=body)
    except (httpx.TransportError, AssertionError) as error:
        return httpx.codes.SERVICE_UNAVAILABLE, type(error).__name__
    return answer.status_code, "" if answer.is_success else str(answer.json()["message"])


def _central_complains() -> str:
    """The lines in which Central speaks of its database, in this container and the one before."""
    found = [pod["metadata"]["name"] for pod in cluster.pods(NAMESPACE, "app=central")]
    logs = [
        kubectl("logs", name, "-n", NAMESPACE, *more, check=False).stdout
        for name in found
        for more in ((), ("--previous",))
    ]
    complaints = ("[warning", "[error")
    lines = [line for log in logs for line in log.splitlines() if any(word in line for word in complaints)]
    return "\n".join(line for line in lines if "database" in line)


def _all_well(installed: Installed) -> None:
    """Everything is ready and Sensor is connected."""
    scale(NAMESPACE, "sensor", 1)
    for name in ("central-db", "central", "sensor"):
        rolled_out(NAMESPACE, name)
    eventually(installed.healthy, seconds=_SECONDS, what="Sensor is connected again")
