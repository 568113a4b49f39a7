"""What is written down of rows that went and came: which tables, which times, all or nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from pyrox.pg.pool import Pool, Transaction
from services.scanner_matcher.history import History

FIRST, LATER, NOW = (datetime(2026, 8, day, tzinfo=UTC) for day in (1, 2, 3))
Row = dict[str, Any]


@dataclass
class Database:
    """Answers the questions in turn, and keeps the statements by what they begin with."""

    rows: list[Row | None]
    values: list[object] = field(default_factory=list)
    done: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Database]:
        try:
            yield self
        except BaseException:
            self.ended.append("rolled back")
            raise
        self.ended.append("committed")

    async def fetchrow(self, statement: str, *parameters: Any) -> Row | None:
        self.done.append((statement, parameters))
        return self.rows.pop(0)

    async def fetchval(self, statement: str, *parameters: Any) -> object:
        self.done.append((statement, parameters))
        return self.values.pop(0)

    async def execute(self, statement: str, *parameters: Any) -> int:
        self.done.append((statement, parameters))
        return 1

    async def script(self, statement: str) -> None:
        self.done.append((statement, ()))

    @property
    def history(self) -> History:
        return History(pool=cast("Pool", self))

    @property
    def written(self) -> list[tuple[str, tuple[Any, ...]]]:
        """The statements that change a table of history, by the table, with their parameters."""
        found = []
        for statement, parameters in self.done:
            match = re.match(r"\s*(INSERT INTO|DELETE FROM|UPDATE) (\w+)", statement)
            if match:
                found.append((f"{match[1].split()[0].lower()} {match[2]}", parameters))
        return found


def pending(undiffed: int = 4) -> Row:
    return {"undiffed": undiffed, "updated": LATER, "made_by": "bundle 1", "first_loaded": FIRST}


async def test_exchange_that_is_written_down_already_changes_nothing() -> None:
    database = Database([None])
    await database.history.record(7)
    assert (database.written, database.ended) == ([], ["committed"])


async def test_rows_that_went_end_and_those_that_came_begin_at_the_bundles_time() -> None:
    database = Database([pending()], ["vuln_range_7_5"])
    await database.history.record(7)
    assert database.written == [
        ("insert vuln_ended", (7, LATER, FIRST, "bundle 1")),
        ("delete vuln_begun", (7,)),
        ("insert vuln_begun", (7, LATER)),
        ("update vuln_source", (7,)),
    ]
    assert database.ended == ["committed"]


async def test_old_table_is_compared_with_the_one_that_is_attached() -> None:
    database = Database([pending(undiffed=4)], ["vuln_range_7_5"])
    await database.history.record(7)
    texts = {parameters[0] if parameters else "": statement for statement, parameters in database.done}
    assert "^vuln_range_7_[0-9]+$" in texts
    ended, gone, came = (
        next(s for s, _ in database.done if f"{word} " in s)
        for word in ("INSERT INTO vuln_ended", "DELETE FROM vuln_begun", "INSERT INTO vuln_begun")
    )
    assert "FROM vuln_range_7_4 AS o JOIN vuln_text_7_4 AS t" in ended
    assert "NOT EXISTS (SELECT FROM vuln_range_7_5 AS n WHERE n.fingerprint = o.fingerprint)" in ended
    assert "FROM vuln_range_7_5 AS n WHERE n.fingerprint = b.fingerprint" in gone
    assert "FROM vuln_range_7_5 AS n" in came
    assert "FROM vuln_range_7_4 AS o WHERE o.fingerprint = n.fingerprint" in came


async def test_source_that_is_not_published_any_more_ends_now_with_all_its_rows() -> None:
    database = Database([{"updated": LATER, "made_by": "bundle 1", "first_loaded": FIRST}], [NOW])
    await database.history.end(cast("Transaction", database), 7)
    assert database.written == [
        ("insert vuln_ended", (7, NOW, FIRST, "bundle 1")),
        ("delete vuln_begun", (7,)),
    ]
    (ended,) = (s for s, _ in database.done if "INSERT INTO vuln_ended" in s)
    assert "FROM vuln_range AS o JOIN vuln_text AS t" in ended
    assert "NOT EXISTS" not in ended


async def test_source_that_was_never_loaded_has_no_past() -> None:
    for state in (None, {"updated": LATER, "made_by": "", "first_loaded": None}):
        database = Database([state])
        await database.history.end(cast("Transaction", database), 7)
        assert database.written == []
