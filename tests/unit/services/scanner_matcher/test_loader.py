"""The exchange of a source's rows: tries, gives up, cleans up. Its SQL runs in the integration tests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from pyrox.errors import Internal, Unavailable
from pyrox.pg.pool import Pool
from services.scanner_matcher.loader import Loader, Prepared, SourceState
from tests.support.pki import FixedClock

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SOURCE = SourceState(7, "debian", NOW, "bundle 1")


class Database:
    """Takes statements, fails as told, and remembers what was committed."""

    def __init__(self) -> None:
        self.committed: list[str] = []
        self.files: list[str] = []
        self.left_over: list[str] = []
        self.attached: dict[str, str] = {}
        self.failures: list[Exception] = []
        self.breaking = ""
        self.pending: dict[str, object] | None = None
        self._pending: list[str] | None = None

    @asynccontextmanager
    async def transaction(self, **_: object) -> AsyncIterator[Database]:
        assert self._pending is None
        self._pending = []
        try:
            yield self
            self.committed += self._pending
        finally:
            self._pending = None

    async def execute(self, sql: str, *arguments: object) -> None:
        await self.script(sql.format(*arguments) + "".join(f" {a}" for a in arguments[:2]))

    async def script(self, sql: str) -> None:
        text = " ".join(sql.split())
        if self.breaking and self.breaking in text and self.failures:
            raise self.failures.pop(0)
        (self.committed if self._pending is None else self._pending).append(text)

    async def copy_file(self, table: str, columns: object, file: Path) -> None:
        self.files.append(f"{table} from {file.name}")

    async def fetchval(self, sql: str, *_: object) -> object:
        if "now()" in sql:
            return NOW
        if "SELECT c.relname" in sql:
            return "vuln_range_7_3"
        assert "generation + 1" in sql
        return 3

    async def fetchrow(self, sql: str, *_: object) -> dict[str, object] | None:
        if "FOR UPDATE" in sql:
            found, self.pending = self.pending, None
            return found
        return {"updated": NOW, "made_by": "bundle 1", "first_loaded": NOW}

    async def fetch(self, sql: str, *arguments: Any) -> list[dict[str, str]]:
        if "pg_inherits AS i JOIN" in sql:
            table, pattern = arguments
            name = self.attached.get(table, "")
            return [{"relname": name}] if name and re.match(pattern, name) else []
        assert arguments == ("^vuln_(range|text|enrichment)_7_[0-9]+$",)
        return [{"relname": name} for name in self.left_over]


def prepared() -> Prepared:
    files = (Path("ranges"), Path("texts"), Path("enrichments"))
    return Prepared(
        *files, ranges=5, advisories=2, enrichments=1, skipped={"odd": 1}, namespaces=["debian:12"]
    )


class Bench:
    def __init__(self) -> None:
        self.database, self.clock = Database(), FixedClock()
        self.loader = Loader(pool=cast("Pool", self.database), clock=self.clock, random=Random(1))


async def test_load_fills_tables_before_it_exchanges_them() -> None:
    bench = Bench()
    bench.database.attached = {"vuln_range": "vuln_range_7_2"}
    await bench.loader.load(SOURCE, NOW, "bundle 2", prepared())
    assert bench.database.files == [
        "vuln_range_7_3 from ranges", "vuln_text_7_3 from texts", "vuln_enrichment_7_3 from enrichments",
    ]  # fmt: skip
    said = bench.database.committed
    created = [n for n, text in enumerate(said) if text.startswith("CREATE TABLE")]
    attached = [n for n, text in enumerate(said) if "ATTACH PARTITION" in text and "DETACH" not in text]
    assert len(created) == len(attached) == 3
    assert max(created) < min(attached)
    # Ranges first: readers hold them, so an exchange waits there and nowhere else.
    assert "vuln_range_7_3" in said[attached[0]]
    assert 'ALTER TABLE vuln_range DETACH PARTITION "vuln_range_7_2"' in said
    assert "lock_timeout" in said[min(attached) - 2]
    assert any("vuln_range_7_3 ALTER COLUMN source SET DEFAULT 7" in text for text in said)


async def test_load_drops_what_an_earlier_one_left_over() -> None:
    bench = Bench()
    bench.database.left_over = ["vuln_range_7_1", "vuln_text_7_1"]
    await bench.loader.remove_left_over(SOURCE)
    assert bench.database.committed == [
        'DROP TABLE IF EXISTS "vuln_range_7_1"',
        'DROP TABLE IF EXISTS "vuln_text_7_1"',
    ]


async def test_exchange_that_readers_hold_up_is_tried_again_and_commits_once() -> None:
    bench = Bench()
    bench.database.breaking = "ATTACH PARTITION vuln_text_7_3"
    bench.database.failures = [Unavailable("lock timeout")] * 3
    await bench.loader.load(SOURCE, NOW, "bundle 2", prepared())
    assert sum("ATTACH PARTITION vuln_range_7_3" in text for text in bench.database.committed) == 1
    assert len(bench.clock.slept) == 3
    assert all(0.1 <= seconds <= 0.3 for seconds in bench.clock.slept)


async def test_exchange_without_a_gap_gives_up_and_says_so() -> None:
    bench = Bench()
    bench.database.breaking = "ATTACH PARTITION"
    bench.database.failures = [Unavailable("lock timeout")] * 200
    with pytest.raises(Unavailable, match="exchange of debian: no gap between readers in 100 attempts"):
        await bench.loader.load(SOURCE, NOW, "bundle 2", prepared())
    assert len(bench.clock.slept) == 100


async def test_exchange_does_not_repeat_other_errors() -> None:
    bench = Bench()
    bench.database.breaking = "ATTACH PARTITION"
    bench.database.failures = [Internal("broken")]
    with pytest.raises(Internal, match="broken"):
        await bench.loader.load(SOURCE, NOW, "bundle 2", prepared())
    assert bench.clock.slept == []


async def test_removal_detaches_and_deletes_in_one_transaction() -> None:
    bench = Bench()
    bench.database.attached = {t: f"{t}_7_2" for t in ("vuln_range", "vuln_text", "vuln_enrichment")}
    bench.database.left_over = ["vuln_range_7_2"]
    bench.database.breaking = "DELETE FROM vuln_source"
    bench.database.failures = [Unavailable("lock timeout")]
    await bench.loader.remove(SOURCE)
    said = bench.database.committed
    assert sum("DETACH PARTITION" in text for text in said) == 3
    assert sum("INSERT INTO vuln_ended" in text for text in said) == 1
    assert said[-1] == 'DROP TABLE IF EXISTS "vuln_range_7_2"'
    assert len(bench.clock.slept) == 1


async def test_touch_changes_only_the_time() -> None:
    bench = Bench()
    await bench.loader.touch(SOURCE, NOW)
    (said,) = bench.database.committed
    assert said.startswith("UPDATE vuln_source SET updated = $2 WHERE id = $1")


async def test_history_that_a_killed_matcher_left_is_written_before_its_rows_go() -> None:
    bench = Bench()
    bench.database.pending = {"undiffed": 2, "updated": NOW, "made_by": "bundle 1", "first_loaded": NOW}
    bench.database.left_over = ["vuln_range_7_2"]
    await bench.loader.settle(SOURCE)
    said = bench.database.committed
    written = next(n for n, text in enumerate(said) if "INSERT INTO vuln_ended" in text)
    dropped = next(n for n, text in enumerate(said) if text.startswith("DROP TABLE"))
    assert written < dropped
    assert "FROM vuln_range_7_2 AS o" in said[written]
    assert "FROM vuln_range_7_3 AS n" in said[written]
