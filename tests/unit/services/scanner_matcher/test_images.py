"""Questions of images behind the answers: written when they changed, never in the way. SQL: integration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from pyrox.errors import Unavailable
from pyrox.pg.pool import Pool
from pyrox.scan.catalogue import schemes
from pyrox.scan.model import Kind, Lookup
from services.scanner_matcher.images import Images

LOOKUP = Lookup("1", "pypi", "a", Kind.BINARY, "pep440", "1", b"\x01")


class Database:
    def __init__(self) -> None:
        self.digests: dict[str, bytes] = {}
        self.rows: dict[str, list[Sequence[object]]] = {}
        self.away = 0
        self.expired = 0

    async def fetchval(self, sql: str, hash_id: str, digest: bytes) -> bool | None:
        assert "UPDATE vuln_image SET seen" in sql
        if self.away:
            self.away -= 1
            raise Unavailable("away")
        return True if self.digests.get(hash_id) == digest else None

    async def execute(self, sql: str, *arguments: Any) -> None:
        if "INSERT INTO vuln_image" in sql:
            self.digests[arguments[0]] = arguments[1]
        elif "30 days" in sql:
            self.expired += 1
        else:
            self.rows.pop(arguments[0], None)

    async def copy_rows(self, table: str, columns: Sequence[str], rows: list[Sequence[object]]) -> None:
        assert table == "vuln_question"
        assert {len(columns)} == {len(row) for row in rows}
        self.rows[str(rows[0][0])] = rows

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Database]:
        yield self


def made(database: Database) -> Images:
    return Images(pool=cast("Pool", database), schemes=schemes())


async def written(images: Images, database: Database, count: int) -> None:
    """Run until so many images are written."""
    task = asyncio.create_task(images.run(lambda: None))
    async with asyncio.timeout(5):
        while len(database.digests) < count:  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_questions_are_written_behind_the_answer_and_old_images_expire() -> None:
    database = Database()
    images = made(database)
    images.remember("one", (LOOKUP,))
    images.remember("two", (LOOKUP, replace(LOOKUP, key=None)))
    await written(images, database, 2)
    assert (sorted(database.rows), len(database.rows["two"])) == (["one", "two"], 2)
    assert database.expired == 1


@pytest.mark.parametrize(
    "change",
    [{"version": "2"}, {"key": b"\x02"}, {"repository_cpes": ("cpe",)}, {"module": "m"}, {"arch": "x"}],
)
async def test_only_questions_that_changed_are_written_again(change: dict[str, Any]) -> None:
    database = Database()
    images = made(database)
    await images.save("one", (LOOKUP,))
    database.rows.clear()
    await images.save("one", (LOOKUP,))
    assert database.rows == {}
    await images.save("one", (replace(LOOKUP, **change),))
    assert list(database.rows) == ["one"]


async def test_failure_loses_one_image_and_the_next_is_written() -> None:
    database = Database()
    database.away = 1
    images = made(database)
    images.remember("one", (LOOKUP,))
    images.remember("two", (LOOKUP,))
    await written(images, database, 1)
    assert list(database.rows) == ["two"]


def test_more_images_than_may_wait_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.scanner_matcher.images._WAITING", 2)
    images = made(Database())
    for number in range(5):
        images.remember(str(number), (LOOKUP,))
    assert images._waiting.qsize() == 2
