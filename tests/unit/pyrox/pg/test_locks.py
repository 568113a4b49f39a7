"""Keys of named locks, and the statements of leases."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from pyrox.pg.locks import Leases, advisory, advisory_key
from pyrox.pg.pool import Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Recording:
    """A pool that remembers statements and answers each with a value."""

    def __init__(self, answer: object = None) -> None:
        self.answer = answer
        self.asked: list[tuple[object, ...]] = []
        self.open = 0

    async def fetchval(self, *statement: object) -> object:
        self.asked.append(statement)
        return self.answer

    async def execute(self, *statement: object) -> object:
        self.asked.append(statement)
        return self.answer

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Recording]:
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1


def pool(recording: Recording) -> Pool:
    return cast("Pool", recording)


def test_key_of_a_name_is_the_same_everywhere_and_fits_the_database() -> None:
    # The first eight bytes of SHA-256 as a signed number: another value would split a running fleet.
    assert advisory_key("") == int.from_bytes(bytes.fromhex("e3b0c44298fc1c14"), "big") - 2**64
    assert advisory_key("abc") == int.from_bytes(bytes.fromhex("ba7816bf8f01cfea"), "big") - 2**64
    keys = {advisory_key(f"name {number}") for number in range(1000)}
    assert len(keys) == 1000
    assert all(-(2**63) <= key < 2**63 for key in keys)


@pytest.mark.parametrize("free", [True, False])
async def test_advisory_lock_lasts_as_long_as_its_block(free: bool) -> None:
    recording = Recording(free)
    async with advisory(pool(recording), "job") as got:
        assert (got, recording.open) == (free, 1)
    assert recording.open == 0
    assert recording.asked == [("SELECT pg_try_advisory_xact_lock($1)", advisory_key("job"))]


async def test_advisory_lock_is_given_back_when_the_block_raises() -> None:
    recording = Recording(answer=True)
    with pytest.raises(KeyError):
        async with advisory(pool(recording), "job"):
            raise KeyError
    assert recording.open == 0


@pytest.mark.parametrize("table", ["", "Leases", "1a", "a-b", "a;drop table x", 'a"b', "a.b"])
def test_lease_table_must_be_a_plain_name(table: str) -> None:
    with pytest.raises(ValueError, match="is no plain name"):
        Leases(pool=pool(Recording()), holder="h", table=table)


@pytest.mark.parametrize(("answer", "taken"), [("name", True), (None, False)])
async def test_lease_is_taken_where_the_database_gives_it(answer: str | None, taken: bool) -> None:
    recording = Recording(answer)
    leases = Leases(pool=pool(recording), holder="me", table="mine")
    assert await leases.take("c", timedelta(seconds=30)) is taken
    (statement,) = recording.asked
    assert "INSERT INTO mine " in str(statement[0])
    assert statement[1:] == ("c", "me", timedelta(seconds=30))


async def test_lease_statements_name_holder_only_where_it_matters() -> None:
    recording = Recording("me")
    leases = Leases(pool=pool(recording), holder="me")
    await leases.steal("c", timedelta(seconds=1))
    assert await leases.release("c")
    assert await leases.holder("c") == "me"
    steal, release, holder = recording.asked
    assert "WHERE" not in str(steal[0])
    assert (release[1:], holder[1:]) == (("c", "me"), ("c",))


async def test_lease_of_another_is_not_released() -> None:
    assert not await Leases(pool=pool(Recording(0)), holder="me").release("c")
