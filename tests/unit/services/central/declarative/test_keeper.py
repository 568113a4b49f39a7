from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from pyrox.errors import Invalid
from pyrox.pb.storage.declarative_config_health_pb2 import DeclarativeConfigHealth as Health
from services.central.access import defaults
from services.central.declarative.documents import Reader, Wanted, stable_id
from services.central.declarative.health import Healths
from services.central.declarative.keeper import Keeper
from services.central.declarative.mounts import Mount
from services.central.declarative.settings import DeclarativeSettings
from tests.support.pki import FixedClock
from tests.support.waiting import until

PERMISSIONS = "name: readers\nresources: []\n"
ROLE = "name: reader\naccessScope: Unrestricted\npermissionSet: readers\n"
POLICY = "kind: SecurityPolicy\nmetadata: {name: p}\nspec: {policyName: P}\n"


class Applier:
    """Notes what was wanted; refuses names that the test says."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.put_: list[str] = []
        self.kept: list[list[str]] = []

    async def put(self, wanted: Wanted) -> None:
        self.put_.append(type(wanted).__name__)
        if getattr(wanted, "name", "") in self.refused:
            raise Invalid("refused")

    async def keep_only(self, wanted: Sequence[Wanted]) -> None:
        self.kept.append([type(one).__name__ for one in wanted])


class Site:
    def __init__(self, directory: Path = Path("/none")) -> None:
        self.applier, self.healths, self.clock = Applier(), Healths(), FixedClock()
        self.keeper = Keeper(
            settings=DeclarativeSettings(directory=directory),
            reader=Reader(defaults=defaults.load()),
            applier=self.applier,
            healths=self.healths,
            clock=self.clock,
        )

    def said(self) -> dict[str, tuple[int, str]]:
        return {one.name: (one.status, one.error_message) for one in self.healths.all()}


async def test_what_others_refer_to_is_written_first() -> None:
    site = Site()
    await site.keeper.reconcile([Mount("a", (POLICY, ROLE)), Mount("b", (PERMISSIONS,))])
    assert site.applier.put_ == ["PermissionSet", "Role", "PolicyResource"]
    assert site.applier.kept == [["PermissionSet", "Role", "PolicyResource"]]
    assert site.said() == {
        "Config Map a": (Health.HEALTHY, ""),
        "Config Map b": (Health.HEALTHY, ""),
        "readers in config map b": (Health.HEALTHY, ""),
        "reader in config map a": (Health.HEALTHY, ""),
    }
    ids = {one.resource_name: (one.id, one.resource_type) for one in site.healths.all()}
    assert ids["reader"] == (stable_id("role-config-health", "reader"), Health.ROLE)
    assert ids["readers"] == (stable_id("permission-set", "readers"), Health.PERMISSION_SET)


async def test_object_that_is_refused_is_told_of_and_the_others_are_written() -> None:
    site = Site()
    site.applier.refused = {"readers", "P"}
    await site.keeper.reconcile([Mount("a", (PERMISSIONS, ROLE, POLICY))])
    assert site.said() == {
        "Config Map a": (Health.UNHEALTHY, "policy P: refused"),
        "readers in config map a": (Health.UNHEALTHY, "refused"),
        "reader in config map a": (Health.HEALTHY, ""),
    }
    assert len(site.applier.kept) == 1


async def test_nothing_is_removed_while_a_file_cannot_be_read() -> None:
    site = Site()
    await site.keeper.reconcile([Mount("a", ("[", ROLE)), Mount("b", problems=("x: gone",))])
    assert site.applier.put_ == ["Role"]
    assert site.applier.kept == []
    assert site.said()["Config Map a"][0] == Health.UNHEALTHY
    assert site.said()["Config Map b"] == (Health.UNHEALTHY, "x: gone")


async def test_mounts_are_compared_at_each_change_and_every_twenty_seconds(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "f").write_text(PERMISSIONS)
    site = Site(tmp_path)
    began = site.clock.monotonic()
    task = asyncio.create_task(site.keeper.run(lambda: None))
    await until(lambda: len(site.applier.kept) >= 2)
    assert site.clock.monotonic() - began >= 20
    (tmp_path / "a" / "f").write_text(ROLE)
    await until(lambda: ["Role"] in site.applier.kept)
    task.cancel()
    await asyncio.wait({task})
    assert set(site.clock.slept) == {5}


async def test_without_the_directory_nothing_is_touched() -> None:
    site = Site()
    task = asyncio.create_task(site.keeper.run(lambda: None))
    await until(lambda: len(site.clock.slept) > 3)
    task.cancel()
    await asyncio.wait({task})
    assert (site.applier.kept, site.healths.all()) == ([], [])
