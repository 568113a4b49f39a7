"""What the Indexer keeps outside the database is opened first and ended last."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pyrox.workers import Workers
from services.scanner_indexer.fetch import Arena
from services.scanner_indexer.scratch import Scratch


async def test_arena_exists_when_ready_and_is_gone_after_the_stop(tmp_path: Path) -> None:
    ready = asyncio.Event()
    workers = Workers(count=1)
    scratch = Scratch(arena=Arena(tmp_path), workers=workers)
    task = asyncio.create_task(scratch.run(ready.set))
    await asyncio.wait_for(ready.wait(), 5)
    assert [path.name.startswith("scanner-fetcharena-") for path in tmp_path.iterdir()] == [True]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (list(tmp_path.iterdir()), workers.started) == ([], False)
