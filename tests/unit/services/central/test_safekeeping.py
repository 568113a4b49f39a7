"""Which databases Central's start may rename: its own server's, never the user's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pyrox.clock import SystemClock
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from services.central.config import Config, load
from services.central.safekeeping import Safekeeping, safekeeping


class Waiting:
    """Databases of which one waits to be adopted, or none."""

    def __init__(self, *, waiting: bool) -> None:
        self.there = waiting
        self.done: list[str] = []

    async def waiting(self) -> bool:
        self.done.append("asked")
        return self.there

    async def adopt(self) -> bool:
        self.done.append("adopted")
        return True


class OpenPool:
    """A pool that tells when it is opened and closed."""

    def __init__(self, done: list[str]) -> None:
        self.done = done

    async def connect(self, *, attempts: int | None) -> None:
        assert attempts is None
        self.done.append("opened")

    async def close(self) -> None:
        self.done.append("closed")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "db-password").mkdir()
    (tmp_path / "db-password" / "password").write_text("pw")
    database = tmp_path / "db.yaml"
    database.write_text("centralDB: {source: 'host=db.example dbname=central_active'}")
    return load(["--secrets", str(tmp_path), "--external-db", str(database)], {})


def made(config: Config, databases: Waiting, *, external: bool) -> Safekeeping:
    settings = Settings(database="central_active", user="u")
    safe = safekeeping(config, Pool(settings=settings, clock=SystemClock()), SystemClock())
    return replace(safe, databases=databases, external=external)  # type: ignore[arg-type]  # databases of tests


def test_names_of_the_three_databases_are_upstreams(config: Config) -> None:
    settings = Settings(database="central_active", user="u")
    found = safekeeping(config, Pool(settings=settings, clock=SystemClock()), SystemClock()).databases
    assert (found.active, found.restored, found.kept) == (
        "central_active",
        "central_restore",
        "central_backup",
    )
    assert found.newest >= 3


@pytest.mark.parametrize(
    ("waiting", "external", "done"),
    [
        (True, False, ["asked", "closed", "adopted", "opened"]),
        (False, False, ["asked"]),
        (True, True, []),
    ],
)
async def test_restored_database_is_adopted_while_nobody_is_connected(
    config: Config, waiting: bool, external: bool, done: list[str]
) -> None:
    databases = Waiting(waiting=waiting)
    safe = made(config, databases, external=external)
    await safe.adopt_restored(OpenPool(databases.done))  # type: ignore[arg-type]  # opens and closes alone
    assert databases.done == done
