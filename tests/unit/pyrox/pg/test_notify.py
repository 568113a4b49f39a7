"""Notices reach their callbacks once, in batches, and again where a callback could not take them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from pyrox.errors import Unavailable
from pyrox.pg import notify
from pyrox.pg.notify import Listener, post, prune
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support.pki import FixedClock

Row = dict[str, Any]


class Script:
    """A pool that answers each read with the script's next step; its end cancels the listener."""

    def __init__(self, *steps: list[Row] | Exception, newest: int = 0) -> None:
        self.settings = Settings(database="d", user="u", pgbouncer=True)
        self.newest = newest
        self.steps = list(steps)
        self.reads: list[int] = []
        self.statements: list[tuple[object, ...]] = []

    async def fetchval(self, sql: str) -> int:
        assert "max(id)" in sql
        return self.newest

    async def fetch(self, sql: str, last: int, overlap: object) -> list[Row]:
        assert "FROM notices" in sql
        assert overlap == notify.OVERLAP
        self.reads.append(last)
        if not self.steps:
            raise asyncio.CancelledError
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    async def execute(self, *statement: object) -> int:
        self.statements.append(statement)
        return 7


def row(number: int, channel: str, *ids: str) -> Row:
    return {"id": number, "channel": channel, "ids": list(ids)}


async def run(script: Script, **callbacks: notify.Callback) -> None:
    listener = Listener(pool=cast("Pool", script), clock=FixedClock(), callbacks=callbacks)
    await asyncio.wait_for(listener.run(lambda: None), timeout=30)  # the cancelled poll ends it
    assert not script.steps


class Sink:
    """A callback that remembers its batches and fails where it is told to."""

    def __init__(self, *failures: Exception | None) -> None:
        self.batches: list[list[str]] = []
        self._failures = list(failures)

    async def __call__(self, ids: Sequence[str]) -> None:
        self.batches.append(list(ids))
        failure = self._failures.pop(0) if self._failures else None
        if failure is not None:
            raise failure


async def test_ids_of_one_channel_come_together_once_and_in_order() -> None:
    sink, other = Sink(), Sink()
    script = Script(
        [],
        [row(1, "a", "x", "y"), row(2, "b", "z"), row(3, "a", "y", "w"), row(4, "nobody", "q")],
        [row(3, "a", "y", "w"), row(5, "a", "v")],
    )
    await run(script, a=sink, b=other)
    assert sink.batches == [["x", "y", "w"], ["v"]]
    assert other.batches == [["z"]]
    assert script.reads == [0, 0, 4, 5]


async def test_notices_from_before_the_start_are_not_delivered() -> None:
    sink = Sink()
    await run(Script([row(40, "a", "old")], [row(40, "a", "old"), row(41, "a", "new")], newest=40), a=sink)
    assert sink.batches == [["new"]]


async def test_notice_that_commits_late_with_a_lower_id_is_delivered() -> None:
    sink = Sink()
    await run(Script([], [row(9, "a", "nine")], [row(8, "a", "eight"), row(9, "a", "nine")]), a=sink)
    assert sink.batches == [["nine"], ["eight"]]


async def test_read_that_fails_is_repeated_from_the_same_place() -> None:
    sink = Sink()
    script = Script([], Unavailable("away"), [row(1, "a", "x")])
    await run(script, a=sink)
    assert (sink.batches, script.reads[:3]) == ([["x"]], [0, 0, 0])


async def test_ids_that_a_callback_could_not_take_are_handed_on_again() -> None:
    first, second = Sink(), Sink(Unavailable("away"))
    rows = [row(1, "a", "x"), row(2, "b", "y")]
    await run(Script([], rows, rows, rows), a=first, b=second)
    assert second.batches == [["y"], ["y"]]
    assert first.batches == [["x"], ["x"]]


async def test_memory_of_seen_notices_is_bounded() -> None:
    sink = Sink()
    many = [row(number, "a", str(number)) for number in range(1, 30_001)]
    script = Script([], many)
    listener = Listener(pool=cast("Pool", script), clock=FixedClock(), callbacks={"a": sink})
    script.steps.pop(0)
    await listener._deliver()
    assert (len(listener._seen), listener._last, len(sink.batches[0])) == (20_000, 30_000, 30_000)


async def test_post_sends_each_id_once_and_nothing_for_none() -> None:
    script = Script()
    database = cast("Pool", script)
    await post(database, "a", [])
    assert script.statements == []
    await post(database, "a", ["x", "y", "x"])
    (insert, wake) = script.statements
    assert insert[1:] == ("a", ["x", "y"])
    assert "pg_notify('pyrox_notices'" in str(wake[0])


async def test_prune_tells_how_many_it_removed() -> None:
    script = Script()
    assert await prune(cast("Pool", script)) == 7
    assert script.statements[0][1] == notify.KEEP
