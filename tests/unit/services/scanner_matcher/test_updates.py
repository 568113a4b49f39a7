"""The loop of updates: what is loaded, skipped, waited for, forgotten, and at which pace."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from pyrox.errors import Exhausted, Invalid, NotFound, RoxError, Unavailable
from pyrox.metrics import Metrics
from pyrox.workers import Workers
from services.scanner_matcher.bundle import made_by, prepare
from services.scanner_matcher.compact import OtherMaker
from services.scanner_matcher.feed import Feed
from services.scanner_matcher.loader import Loader, Prepared, SourceState, Spent
from services.scanner_matcher.store import EPOCH, VulnStore
from services.scanner_matcher.updates import Pace, Round, Updates

DAY = datetime(2026, 8, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.on_sleep()
        await asyncio.sleep(0)


class Source:
    """A feed that has one zip, or an error."""

    def __init__(self) -> None:
        self.bundles: dict[str, bytes] = {}
        self.error: Exception | None = None
        self.asked: list[datetime | None] = []
        self.changed = True

    async def fetch(self, target: Path, since: datetime | None) -> bool:
        self.asked.append(since)
        if self.error is not None:
            raise self.error
        if self.changed:
            with zipfile.ZipFile(target, "w") as archive:
                for name, content in self.bundles.items():
                    made = zipfile.ZipInfo(f"{name}.json.zst", (2026, 8, 1, 0, 0, 0))
                    archive.writestr(made, content)
        return self.changed


class Rows:
    """The loader's side of the database."""

    def __init__(self) -> None:
        self.sources: dict[str, SourceState] = {}
        self.busy: set[str] = set()
        self.loaded: list[str] = []
        self.settled: list[str] = []
        self.removed: list[str] = []
        self.errors: dict[str, Exception] = {}

    def put(self, name: str, updated: datetime, made: str | None = None) -> None:
        known = self.sources.get(name)
        number = known.id if known is not None else len(self.sources) + 1
        self.sources[name] = SourceState(number, name, updated, made_by() if made is None else made)

    @asynccontextmanager
    async def exclusive(self, name: str) -> AsyncIterator[bool]:
        yield name not in self.busy

    async def register(self, names: Sequence[str]) -> dict[str, SourceState]:
        for name in names:
            if name not in self.sources:
                self.put(name, EPOCH, "")
        return dict(self.sources)

    async def settle(self, source: SourceState) -> None:
        if "settle" in self.errors:
            raise self.errors["settle"]
        self.settled.append(source.name)

    async def load(self, source: SourceState, updated: datetime, made: str, prepared: Prepared) -> Spent:
        if source.name in self.errors:
            raise self.errors[source.name]
        self.loaded.append(source.name)
        self.put(source.name, updated, made)
        return Spent(copy=2.0, index=3.0, swap=1.0)

    async def remove(self, source: SourceState) -> None:
        if source.name in self.errors:
            raise self.errors[source.name]
        self.removed.append(source.name)
        del self.sources[source.name]

    async def last_update(self) -> datetime | None:
        if "store" in self.errors:
            raise self.errors["store"]
        oldest = min((state.updated for state in self.sources.values()), default=EPOCH)
        return oldest if oldest > EPOCH else None


class Inline:
    """Work in the test's own process."""

    def __init__(self) -> None:
        self.work: list[str] = []
        self.errors: dict[str, Exception] = {}

    async def run(self, what: str, function: Any, path: str, directory: str) -> Prepared:
        assert function is prepare
        self.work.append(what)
        if what in self.errors:
            raise self.errors[what]
        size = len(Path(path).read_bytes())
        file = Path(directory)
        return Prepared(file, file, file, size, 1, 0, {}, ())


class Bench:
    def __init__(self, *names: str, allowed: Sequence[str] = ()) -> None:
        self.feed, self.rows, self.workers, self.clock = Source(), Rows(), Inline(), Clock()
        self.feed.bundles = {name: name.encode() for name in names}
        self.metrics = Metrics("scanner_v4_matcher")
        self.updates = Updates(
            feed=cast("Feed", self.feed),
            loader=cast("Loader", self.rows),
            store=cast("VulnStore", self.rows),
            workers=cast("Workers", self.workers),
            pace=Pace(clock=self.clock, random=Random(1)),
            metrics=self.metrics,
            allowed=allowed,
        )

    async def round(self) -> Round:
        return await self.updates.round()

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"rox_scanner_v4_matcher_{name}", labels)


async def test_first_round_loads_all_and_asks_for_any_age() -> None:
    bench = Bench("debian", "osv")
    done = await bench.round()
    assert (done.loaded, done.failed, done.removed) == (["debian", "osv"], {}, [])
    assert bench.feed.asked == [None]
    assert bench.workers.work == ["bundle debian", "bundle osv"]
    assert bench.value("source_ranges", source="debian") == 6
    assert bench.value("loads_total", source="osv", result="loaded") == 1


async def test_next_round_asks_since_the_oldest_and_loads_nothing_that_is_fresh() -> None:
    bench = Bench("debian", "osv")
    await bench.round()
    bench.rows.put("osv", datetime(2026, 9, 1, tzinfo=UTC))
    done = await bench.round()
    assert (done.loaded, bench.feed.asked) == ([], [None, DAY])


async def test_round_without_news_changes_nothing() -> None:
    bench = Bench("debian")
    bench.rows.put("gone", DAY)
    bench.feed.changed = False
    assert await bench.round() == Round()
    assert bench.rows.removed == []


async def test_rows_of_an_older_reader_are_loaded_again_whatever_their_age() -> None:
    bench = Bench("debian")
    bench.rows.put("debian", datetime(2027, 1, 1, tzinfo=UTC), "bundle 1; dpkg 0")
    assert (await bench.round()).loaded == ["debian"]
    assert bench.feed.asked == [None]


async def test_only_allowed_bundles_are_loaded_and_others_removed() -> None:
    bench = Bench("debian", "osv", "alpine", allowed=("debian", "alpine"))
    bench.rows.put("osv", DAY)
    done = await bench.round()
    assert (done.loaded, done.removed) == (["alpine", "debian"], ["osv"])


async def test_zip_without_bundles_removes_nothing() -> None:
    bench = Bench()
    bench.rows.put("debian", DAY)
    done = await bench.round()
    assert (done.removed, list(bench.rows.sources)) == ([], ["debian"])


async def test_source_that_another_removes_is_left_to_it() -> None:
    bench = Bench("debian")
    bench.rows.put("gone", DAY)
    bench.rows.busy.add("gone")
    assert (await bench.round()).removed == []


@pytest.mark.parametrize(
    "error", [Invalid("damaged"), Unavailable("no gap"), Exhausted("memory"), OSError(28, "disk full")]
)
async def test_source_that_fails_does_not_hold_up_the_others(error: Exception) -> None:
    bench = Bench("debian", "osv", "alpine")
    bench.workers.errors["bundle debian"] = error
    bench.rows.errors["osv"] = error
    done = await bench.round()
    assert done.loaded == ["alpine"]
    assert done.failed == {"debian": str(error), "osv": str(error)}
    assert bench.value("loads_total", source="debian", result="failed") == 1
    bench.workers.errors.clear()
    assert (await bench.round()).loaded == ["debian"]


async def test_source_that_cannot_be_removed_is_tried_again() -> None:
    bench = Bench("debian")
    bench.rows.put("gone", DAY)
    bench.rows.errors["gone"] = Unavailable("no gap between readers")
    assert (await bench.round()).removed == []
    bench.rows.errors.clear()
    assert (await bench.round()).removed == ["gone"]


async def test_source_of_another_matcher_is_waited_for_and_not_loaded_twice() -> None:
    bench = Bench("debian")
    bench.rows.busy.add("debian")

    def finish() -> None:
        if len(bench.clock.slept) == 3:
            bench.rows.put("debian", DAY)

    bench.clock.on_sleep = finish
    done = await bench.round()
    assert (done.loaded, bench.workers.work, bench.clock.slept) == ([], [], [1.0, 1.0, 1.0])


async def test_source_of_a_matcher_that_died_is_taken_over() -> None:
    bench = Bench("debian")
    bench.rows.busy.add("debian")
    bench.clock.on_sleep = bench.rows.busy.clear
    assert (await bench.round()).loaded == ["debian"]
    assert bench.clock.slept == [1.0]


async def test_source_that_vanishes_meanwhile_is_let_go() -> None:
    bench = Bench("debian")
    bench.rows.busy.add("debian")
    bench.clock.on_sleep = bench.rows.sources.clear
    assert await bench.round() == Round()


@pytest.mark.parametrize("error", [NotFound("no bundle"), Unavailable("status 500")])
async def test_round_raises_what_fetching_raises(error: RoxError) -> None:
    bench = Bench("debian")
    bench.feed.error = error
    with pytest.raises(type(error), match=error.message):
        await bench.round()


class Stop(Exception):
    """Ends the loop of a test."""


@pytest.mark.parametrize("error", [Unavailable("status 500"), OSError(28, "disk full")])
async def test_work_goes_on_after_a_failed_round_with_growing_pauses(error: Exception) -> None:
    bench = Bench("debian")
    bench.feed.error = error

    def recover() -> None:
        if len(bench.clock.slept) == 3:
            bench.feed.error = None
        if len(bench.clock.slept) == 4:
            raise Stop

    bench.clock.on_sleep = recover
    with pytest.raises(Stop):
        await bench.updates.work()
    assert bench.clock.slept[:3] == [10, 20, 40]
    assert bench.clock.slept[3] in {600, 900, 1200, 1500}
    assert bench.rows.loaded == ["debian"]


async def test_work_counts_an_unreachable_database_as_not_loaded() -> None:
    bench = Bench("debian")
    bench.rows.errors["store"] = Unavailable("the database is away")

    def stop() -> None:
        raise Stop

    bench.clock.on_sleep = stop
    with pytest.raises(Stop):
        await bench.updates.work()
    assert bench.clock.slept == [10]


async def test_pace_is_upstreams_after_the_first_load_and_faster_before() -> None:
    clock = Clock()
    pace = Pace(clock=clock, random=Random(1))
    for _ in range(7):
        await pace.wait(initialised=False)
    assert clock.slept == [10, 20, 40, 80, 160, 300, 300]
    clock.slept.clear()
    for _ in range(50):
        await pace.wait(initialised=True)
    assert set(clock.slept) == {600, 900, 1200, 1500}


async def test_history_that_a_killed_matcher_left_is_written_first() -> None:
    bench = Bench("debian")
    bench.rows.put("debian", DAY)
    bench.rows.put("osv", DAY)
    bench.rows.busy.add("osv")
    bench.feed.changed = False
    await bench.round()
    assert bench.rows.settled == ["debian"]


async def test_history_that_cannot_be_written_holds_up_no_load() -> None:
    bench = Bench("debian", "osv")
    bench.rows.put("debian", DAY)
    bench.rows.errors["settle"] = Unavailable("disk full")
    assert (await bench.round()).loaded == ["osv"]


def both(bench: Bench, archive: Path) -> None:
    """A zip that has the source in both forms."""
    with zipfile.ZipFile(archive, "w") as made:
        for suffix in (".json.zst", ".copy.zst"):
            made.writestr(zipfile.ZipInfo(f"debian{suffix}", (2026, 8, 1, 0, 0, 0)), b"x")


@pytest.mark.parametrize(
    ("error", "taken", "failed"),
    [
        (None, [".copy.zst"], set()),
        (OtherMaker("made for another release"), [".copy.zst", ".json.zst"], set()),
        (Invalid("damaged"), [".copy.zst", ".json.zst"], {"debian"}),
    ],
)
async def test_compact_form_is_taken_when_this_release_can(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None, taken: list[str], failed: set[str]
) -> None:
    bench = Bench()
    forms: list[str] = []

    async def fetch(target: Path, _: datetime | None) -> bool:
        both(bench, target)
        return True

    async def run(what: str, function: Any, path: str, directory: str) -> Prepared:
        forms.append("".join(Path(path).suffixes))
        if error is not None and path.endswith(".copy.zst"):
            raise error
        return await Inline().run(what, function, path, directory)

    monkeypatch.setattr(bench.feed, "fetch", fetch)
    monkeypatch.setattr(bench.workers, "run", run)
    done = await bench.round()
    assert (forms, done.loaded, set(done.failed)) == (taken, ["debian"], failed)


async def test_compact_form_of_another_release_alone_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()

    async def fetch(target: Path, _: datetime | None) -> bool:
        with zipfile.ZipFile(target, "w") as made:
            made.writestr(zipfile.ZipInfo("debian.copy.zst", (2026, 8, 1, 0, 0, 0)), b"x")
        return True

    monkeypatch.setattr(bench.feed, "fetch", fetch)
    bench.workers.errors["bundle debian"] = OtherMaker("made for another release")
    assert (await bench.round()).failed == {"debian": "made for another release"}
