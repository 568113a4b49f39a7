"""The stream of a backup over several connections."""

from __future__ import annotations

import asyncio
import zlib

import pytest

from services.central.backups.errors import Refused
from services.central.backups.upload import Upload


async def test_bytes_arrive_in_pieces_of_the_wanted_size() -> None:
    upload = Upload()
    await upload.put(b"abcdef")
    assert [await upload.take(4), await upload.take(4)] == [b"abcd", b"ef"]
    assert (upload.position, upload.checksum) == (6, zlib.crc32(b"abcdef"))


async def test_sender_waits_until_the_chunk_before_is_taken() -> None:
    upload = Upload()
    await upload.put(b"one")
    second = asyncio.create_task(upload.put(b"two"))
    await asyncio.sleep(0)
    assert not second.done()
    assert await upload.take(10) == b"one"
    await second
    assert await upload.take(10) == b"two"


async def test_chunk_whose_sender_went_away_was_not_accepted() -> None:
    upload = Upload()
    await upload.put(b"one")
    second = asyncio.create_task(upload.put(b"two"))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert upload.position == 3
    upload.check(3, zlib.crc32(b"one"))
    await upload.take(3)
    await upload.put(b"TWO")
    assert await upload.take(3) == b"TWO"


async def test_stream_that_ended_gives_nothing_more() -> None:
    upload = Upload()
    await upload.put(b"x")
    await upload.end()
    assert [await upload.take(1), await upload.take(1)] == [b"x", b""]


async def test_stream_that_nobody_feeds_ends_after_a_day() -> None:
    upload = Upload(patience=0)
    with pytest.raises(Refused, match="timeout: no new data stream attached after 0h0m0s"):
        await upload.take(1)


@pytest.mark.parametrize(
    ("position", "checksum", "message"),
    [
        (2, zlib.crc32(b"abc"), "position mismatch when trying to attach reader: 3 != 2"),
        (3, 1, "checksum validation failed when trying to attach reader"),
    ],
)
async def test_sender_of_another_backup_is_refused(position: int, checksum: int, message: str) -> None:
    upload = Upload()
    await upload.put(b"abc")
    with pytest.raises(Refused) as caught:
        upload.check(position, checksum)
    assert caught.value.message == message
