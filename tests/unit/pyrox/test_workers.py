"""Worker processes: what comes back from them, and what happens when they fail."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyrox.errors import DeadlinePassed, Exhausted, Invalid, Unavailable
from pyrox.workers import Workers


def add(a: int, b: int) -> int:
    return a + b


def fail() -> None:
    raise Invalid("bad layer")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def eat() -> int:
    return len(bytearray(4 * 1024**3))


def stall() -> None:
    time.sleep(30)


async def test_workers_return_results_and_errors_of_the_work() -> None:
    workers = Workers(count=1)
    try:
        assert await workers.run("sum", add, 2, 3) == 5
        with pytest.raises(Invalid, match="bad layer"):
            await workers.run("layer", fail)
    finally:
        workers.close()


async def test_workers_survive_a_worker_that_dies() -> None:
    workers = Workers(count=1)
    try:
        with pytest.raises(Unavailable, match="layer x: the worker process ended"):
            await workers.run("layer x", die)
        assert await workers.run("sum", add, 1, 1) == 2
    finally:
        workers.close()


async def test_workers_bound_memory_and_time() -> None:
    workers = Workers(count=1, seconds=0.5)
    try:
        with pytest.raises(Exhausted, match="layer x: needs more than 2 GiB"):
            await workers.run("layer x", eat)
        with pytest.raises(DeadlinePassed, match=r"layer x: not finished after 0\.5 s"):
            await workers.run("layer x", stall)
        assert await workers.run("sum", add, 1, 1) == 2
    finally:
        workers.close()


def test_workers_die_with_their_parent() -> None:
    script = (
        "import asyncio, os, signal\n"
        "from pyrox.workers import Workers\n"
        "async def main():\n"
        "    print(await Workers(count=1).run('pid', os.getpid), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    worker = int(done.stdout)
    for _ in range(200):
        try:
            state = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.02)
    raise AssertionError(f"worker {worker} still runs")


async def test_workers_end_when_idle() -> None:
    workers = Workers(count=1, idle_seconds=0.0)
    assert await workers.run("sum", add, 1, 1) == 2
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not workers.started
